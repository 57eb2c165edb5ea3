"""Beam search for the likeliest text that an encoder–decoder writes; a beam of 1 is a greedy search.

The model is one traced call `forward(source, target) → logits`, so the source is encoded again for each token. To save
time, all candidates of all texts share one call, and texts that are done drop out of it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import torch

Logits = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Maps source [rows, source] and target [rows, target] to the logits of the next token, [rows, vocabulary]."""
Rows = Sequence[Sequence[int]]
"""The token ids that each beam has written so far."""


@dataclass(frozen=True)
class Hypothesis:
    """A finished text and its score."""

    ids: tuple[int, ...]
    """The ids of the text's tokens, without the tokens of begin and end."""
    score: float
    """The mean of the natural logarithms of the tokens' probabilities, the token of the end included."""


Candidate = tuple[int, int, float]
"""The beam that the candidate continues, its next token, and the sum of its tokens' log-probabilities."""


@dataclass
class _TextSearch:
    """The search for one text, with the hypotheses that are finished so far."""

    beams: int
    end: int
    finished: list[Hypothesis] = field(default_factory=list)

    def is_done(self, best_continuing: float) -> bool:
        """Tell whether enough hypotheses are finished and the best of them beats all candidates that continue."""
        return len(self.finished) >= self.beams and self.best().score >= best_continuing

    def best(self) -> Hypothesis:
        return max(self.finished, key=lambda hypothesis: hypothesis.score, default=Hypothesis((), -torch.inf))

    def advance(self, ranked: Iterable[tuple[float, int]], written: Rows, vocabulary: int) -> list[Candidate]:
        """Keep the candidates that end as hypotheses, and return the best of those that continue."""
        length = len(written[0])
        continuing: list[Candidate] = []
        for rank, (score, index) in enumerate(ranked):
            row, token = divmod(index, vocabulary)
            if score == -torch.inf or len(continuing) == self.beams:
                continue
            if token != self.end:
                continuing.append((row, token, score))
            elif rank < self.beams:  # a worse candidate that ends must not stop the search before better ones end
                self.finished.append(Hypothesis(tuple(written[row][1:]), score / length))
        return continuing

    def finish_unended(self, continuing: Iterable[Candidate], written: Rows) -> None:
        """Take the candidates as they are for hypotheses, if none has ended by itself."""
        if not self.finished:
            self.finished = [
                Hypothesis((*written[row][1:], token), score / len(written[0])) for row, token, score in continuing
            ]


@torch.inference_mode()
def search(
    logits: Logits, sources: torch.Tensor, *, begin: int, end: int, barred: Sequence[int], beams: int, max_tokens: int
) -> list[Hypothesis]:
    """Return the likeliest text that the search finds for each source [texts, source].

    The search follows the `beams` likeliest candidates of each text until as many have ended, and takes the one with
    the highest mean log-probability of its tokens. It never writes `barred` ids, and ends a text at `max_tokens`. The
    same input gives the same text: nothing is drawn by chance.
    """
    searches = [_TextSearch(beams, end) for _ in range(len(sources))]
    active = list(range(len(sources)))
    targets = torch.full((len(sources), 1, 1), begin)
    totals = torch.zeros(len(sources), 1)
    for length in range(1, max_tokens + 1):
        following = logits(sources[active].repeat_interleave(totals.shape[1], 0), targets.flatten(0, 1))
        likelihoods = torch.log_softmax(following.float(), -1)
        if barred:
            likelihoods[:, list(barred)] = -torch.inf
        candidates = (totals.unsqueeze(-1) + likelihoods.view(*totals.shape, -1)).flatten(1)
        # At most one candidate of each beam ends, so twice as many leave enough candidates to continue with.
        ranked = candidates.topk(min(2 * beams, candidates.shape[1]))
        keep: list[int] = []
        chosen: list[list[Candidate]] = []
        for place, (scores, indices) in enumerate(zip(ranked.values.tolist(), ranked.indices.tolist(), strict=True)):
            text_search, written = searches[active[place]], targets[place].tolist()
            continuing = text_search.advance(zip(scores, indices, strict=True), written, likelihoods.shape[-1])
            if continuing and not text_search.is_done(continuing[0][2] / length) and length < max_tokens:
                keep.append(place)
                # A small vocabulary may give fewer candidates than beams; impossible candidates fill the other beams.
                chosen.append(continuing + [(0, begin, -torch.inf)] * (beams - len(continuing)))
            else:
                text_search.finish_unended(continuing, written)
        if not keep:
            break
        rows, tokens, sums = zip(*(zip(*each, strict=True) for each in chosen), strict=True)
        continued = targets[torch.tensor(keep).unsqueeze(1), torch.tensor(rows)]
        targets = torch.cat([continued, torch.tensor(tokens).unsqueeze(-1)], -1)
        totals = torch.tensor(sums)
        active = [active[place] for place in keep]
    return [text_search.best() for text_search in searches]
