"""Nets for sequences of several lengths: recurrent nets, attention, positions, parts that are set in place."""

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (the usual name)


class CellLoop(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(4, 4)

    def forward(self, x):
        state = torch.zeros(x.shape[0], 4), torch.zeros(x.shape[0], 4)
        for step in range(x.shape[1]):
            state = self.cell(x[:, step], state)
        return state[0]


class PackedLstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 3, batch_first=True)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True)[0]


class LengthMask(nn.Module):
    """A mask as long as the longest text, which int() reads from the lengths."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x, lengths):
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        return (self.layer(x[:, : mask.shape[1]]) * mask[..., None]).sum(1)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)


class CountedSteps(Layer):
    def forward(self, x):
        return self.layer(x) + torch.arange(x.shape[1], dtype=x.dtype)[:, None] / x.shape[1]


class MeanByCount(Layer):
    def forward(self, x):
        return self.layer(x).sum((1, 2)) / torch.numel(x[0])


class MeanByMethod(Layer):
    def forward(self, x):
        return self.layer(x).sum((1, 2)) / x[0].numel()


class SetInASlice(Layer):
    def forward(self, x):
        y = self.layer(x)
        y[:, :, 2] = (torch.arange(x.shape[1]) < 2).float()
        return y


class SetInASliceWithAllAxes(Layer):
    def forward(self, x):
        y = self.layer(x)
        y[:, :, 2] = (torch.arange(x.shape[1]) < 2).float().expand_as(y[:, :, 2])
        return y


class SetFromItself(Layer):
    def forward(self, x):
        y = self.layer(x).sigmoid()
        y[:, 0:2] = y[:, 0:2].sigmoid()
        y[..., -1] *= 2.0
        return y


class SetAtPlaces(Layer):
    def __init__(self):
        super().__init__()
        self.register_buffer("places", torch.tensor([[0, 1], [1, 3]]))

    def forward(self, x, place):
        y = self.layer(x).clone()
        y[:, self.places[:, 0], self.places[:, 1]] = 0
        y[:, :, place] = 1.5
        return y


class BufferedPositions(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.kinds, self.places = nn.Embedding(20, 4), nn.Embedding(2, 4), nn.Embedding(300, 4)
        self.register_buffer("kind_ids", torch.zeros(1, 300, dtype=torch.long), persistent=False)
        self.register_buffer("place_ids", torch.arange(300)[None], persistent=False)

    def forward(self, ids):
        rows, length = ids.shape
        kinds = self.kinds(self.kind_ids[:, :length].expand(rows, length))
        return (self.words(ids) + kinds + self.places(self.place_ids[:, :length])).mean(1)


class KeptRotations(Layer):
    """Rotary positions, kept in attributes until the length changes."""

    def __init__(self):
        super().__init__()
        self.length, self.cosines = None, None

    def forward(self, x):
        if x.shape[1] != self.length:
            self.length = x.shape[1]
            self.cosines = torch.outer(torch.arange(self.length).float(), torch.tensor([1.0, 0.5, 0.1, 0.01])).cos()
        return self.layer(x) * self.cosines


class GrowingRotations(Layer):
    """A table that grows with the longest text so far."""

    def __init__(self):
        super().__init__()
        self.longest, self.cosines = 0, None

    def forward(self, x):
        length = x.shape[1]
        if length > self.longest:
            self.longest = length
            self.cosines = torch.outer(torch.arange(length).float(), torch.tensor([1.0, 0.5, 0.1, 0.01])).cos()
        return self.layer(x) * self.cosines[:length]


class CausalByLength(Layer):
    def forward(self, x):
        y = self.layer(x)
        return F.scaled_dot_product_attention(y, y, x, is_causal=y.shape[1] > 1)


class CausalByLengthAsABool(Layer):
    def forward(self, x):
        y = self.layer(x)
        return F.scaled_dot_product_attention(y, y, x, is_causal=bool(y.shape[1] > 1))


class PaddedToWindows(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(20, 4, padding_idx=0)

    def forward(self, ids):
        length = ids.shape[1]
        padding = (4 - length % 4) % 4
        if padding > 0:
            ids = F.pad(ids, (0, padding), value=0)
        y = self.words(ids).view(ids.shape[0], -1, 4, 4)
        return ((y @ y.transpose(2, 3)).softmax(-1) @ y).flatten(1, 2)[:, :length]


class FlooredIds(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(9, 4)

    def forward(self, ids):
        return self.words((ids - 10) // 4 + 3) + ((ids - 10) % -3)[..., None] + ((ids - 10.0) // -0.7)[..., None]


class BoundedWords(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(20, 4, max_norm=0.5)

    def forward(self, ids):
        return self.words(ids).sum(1)
