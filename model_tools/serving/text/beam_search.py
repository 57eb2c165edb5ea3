"""The likeliest text that an encoder–decoder writes, token by token: greedy, or following several candidates.

The model is one traced call `forward(source, target) → logits`, so the source is encoded anew for each token; what can
be saved is saved otherwise: all candidates of all texts are one call, and texts that are done leave it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import torch

Logits = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Maps source [rows, source] and target [rows, target] to the logits of the next token, [rows, vocabulary]."""
Rows = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Hypothesis:
    """One text's tokens."""

    ids: tuple[int, ...]
    """The ids of its tokens, without those of begin and end."""
    score: float
    """The mean of the natural logarithms of its tokens' probabilities, end included."""


Candidate = tuple[int, int, float]
"""The row that it goes on from, its next token, and the sum of its logarithms."""


@dataclass
class _Search:
    """How far one text has come."""

    beams: int
    end: int
    finished: list[Hypothesis] = field(default_factory=list)

    def is_done(self, best_going_on: float) -> bool:
        """Tell whether as many have ended as are followed, and none that goes on is better so far than the best."""
        return len(self.finished) >= self.beams and self.best().score >= best_going_on

    def best(self) -> Hypothesis:
        return max(self.finished, key=lambda written: written.score, default=Hypothesis((), -torch.inf))

    def advance(self, ranked: Iterable[tuple[float, int]], written: Rows, vocabulary: int) -> list[Candidate]:
        """Note which candidates end, and return the best of the others."""
        length = len(written[0])
        going_on: list[Candidate] = []
        for rank, (score, index) in enumerate(ranked):
            row, token = divmod(index, vocabulary)
            if score == -torch.inf or len(going_on) == self.beams:
                continue
            if token != self.end:
                going_on.append((row, token, score))
            elif rank < self.beams:  # an end that is not among the best must not keep better ones from going on
                self.finished.append(Hypothesis(tuple(written[row][1:]), score / length))
        return going_on

    def cut_off(self, going_on: Iterable[Candidate], written: Rows) -> None:
        """End here, with what there is, if no candidate has ended by itself."""
        if not self.finished:
            self.finished = [
                Hypothesis((*written[row][1:], token), score / len(written[0])) for row, token, score in going_on
            ]


@torch.inference_mode()
def search(
    logits: Logits, sources: torch.Tensor, *, begin: int, end: int, barred: Sequence[int], beams: int, max_tokens: int
) -> list[Hypothesis]:
    """Return the likeliest text for each source [texts, source].

    `beams` candidates of each text are followed, ranked by their mean token probability, until as many have ended;
    one is greedy. `barred` ids are never written. A text of `max_tokens` ends there. The same input gives the same
    text: nothing is drawn by chance.
    """
    searches = [_Search(beams, end) for _ in range(len(sources))]
    active = list(range(len(sources)))
    targets = torch.full((len(sources), 1, 1), begin)
    totals = torch.zeros(len(sources), 1)
    for length in range(1, max_tokens + 1):
        following = logits(sources[active].repeat_interleave(totals.shape[1], 0), targets.flatten(0, 1))
        likelihoods = torch.log_softmax(following.float(), -1)
        if barred:
            likelihoods[:, list(barred)] = -torch.inf
        candidates = (totals.unsqueeze(-1) + likelihoods.view(*totals.shape, -1)).flatten(1)
        # Twice as many: each candidate may end, and as many must be left to go on with.
        ranked = candidates.topk(min(2 * beams, candidates.shape[1]))
        keep: list[int] = []
        chosen: list[list[Candidate]] = []
        for place, (scores, indices) in enumerate(zip(ranked.values.tolist(), ranked.indices.tolist(), strict=True)):
            one, written = searches[active[place]], targets[place].tolist()
            going_on = one.advance(zip(scores, indices, strict=True), written, likelihoods.shape[-1])
            if going_on and not one.is_done(going_on[0][2] / length) and length < max_tokens:
                keep.append(place)
                # A small vocabulary may have fewer; what cannot be stands in for them.
                chosen.append(going_on + [(0, begin, -torch.inf)] * (beams - len(going_on)))
            else:
                one.cut_off(going_on, written)
        if not keep:
            break
        rows, tokens, sums = zip(*(zip(*each, strict=True) for each in chosen), strict=True)
        continued = targets[torch.tensor(keep).unsqueeze(1), torch.tensor(rows)]
        targets = torch.cat([continued, torch.tensor(tokens).unsqueeze(-1)], -1)
        totals = torch.tensor(sums)
        active = [active[place] for place in keep]
    return [each.best() for each in searches]
