"""How the errors of a user's code are worded: no dumps, no stacks, whatever was raised."""

import re
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model_tools.packaging.children.faults import error_text, fault_text, is_out_of_memory, plain_text

FOLDER = Path("/models/digits")


class Silent(Exception):
    def __str__(self) -> str:
        return None  # noqa: PLE0307 (that is the point)


class Broken(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        pytest.param(ValueError("too\n  long"), "ValueError: too long", id="several lines"),
        pytest.param(ValueError(), "ValueError", id="no text"),
        pytest.param(Silent(), "Silent", id="a text that is none"),
        pytest.param(Broken(), "Broken", id="a text that raises"),
        pytest.param(SystemExit(), "SystemExit", id="exit without a reason"),
        pytest.param(SystemExit("no licence"), "SystemExit: no licence", id="exit with a reason"),
        pytest.param(ValueError("bad \udcff name"), "ValueError: bad ? name", id="lone surrogate"),
        pytest.param(ValueError("\x1b[31mred\x1b[0m\x07"), "ValueError: red", id="escape codes"),
        pytest.param(
            ExceptionGroup("several", [ValueError("one"), TypeError("two")]),
            "ExceptionGroup: several: ValueError: one; TypeError: two",
            id="group",
        ),
        pytest.param(
            ValueError(f"bad {torch.linspace(0, 1, 9)} here"), "ValueError: bad tensor[… 9 numbers …] here", id="tensor"
        ),
        pytest.param(
            ValueError(str(torch.ones(4, 4).tolist())), "ValueError: [… 16 numbers …]", id="nested lists of numbers"
        ),
        pytest.param(ValueError(list(range(100))), "ValueError: [… 100 numbers …]", id="list of integers"),
        pytest.param(
            RuntimeError("the constant: 0.0349 -0.2672 -0.3012 1e-3 [ torch.FloatTensor{4} ]"),
            "RuntimeError: the constant: [… 4 numbers …] [ torch.FloatTensor{4} ]",
            id="numbers without commas",
        ),
        pytest.param(
            RuntimeError("shapes [2, 3, 224, 224] and [2, 1, 7, 7]"),
            "RuntimeError: shapes [2, 3, 224, 224] and [2, 1, 7, 7]",
            id="shapes stay",
        ),
        pytest.param(
            NotImplementedError(
                "Could not run 'aten::ne' with arguments from the 'SparseCPU' backend. This could be because the "
                "operator doesn't exist for this backend, or was omitted\nCPU: registered at /x/y.cpp:1 [kernel]"
            ),
            "NotImplementedError: Could not run 'aten::ne' with arguments from the 'SparseCPU' backend.",
            id="list of backends",
        ),
        pytest.param(
            RuntimeError(
                "The following operation failed in the TorchScript interpreter.\nTraceback of TorchScript (most recent "
                'call last):\n  File "code/net.py", line 3, in forward\n    x = y\nRuntimeError: sizes differ\n'
            ),
            "RuntimeError: sizes differ",
            id="traced code",
        ),
    ],
)
def test_an_error_is_told_in_one_line_of_words(error, text):
    assert error_text(error) == text


def test_a_text_of_megabytes_is_cut_and_its_length_told_at_once():
    began = time.perf_counter()
    told = plain_text("word " * 2_000_000)
    assert time.perf_counter() - began < 1
    assert len(told) < 700
    assert told.endswith("… (10,000,000 characters in all)")


@given(st.text(st.characters(exclude_categories=()), max_size=300) | st.lists(st.floats(), min_size=9).map(str))
def test_whatever_the_text_is_it_can_be_written_down_in_one_line(text):
    told = plain_text(text)
    assert told.encode("utf-8").decode() == told
    assert not re.search(r"[\x00-\x1f\x7f]", told)
    assert not re.search(r"(?:-?\d+\.\d+[\s,]+){9}", told)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        pytest.param(SystemExit(2), 'below `if __name__ == "__main__":`', id="command line"),
        pytest.param(EOFError("EOF when reading a line"), "Nobody is there to answer input()", id="input"),
        pytest.param(
            ImportError("attempted relative import with no known parent package"),
            "`from blocks import …`",
            id="relative",
        ),
        pytest.param(
            ModuleNotFoundError("No module named 'torch._inductor.compiler_bisector'"),
            "Leave torch.compile",
            id="compiler",
        ),
        pytest.param(
            ModuleNotFoundError("No module named 'timm'"), "put the .py files that the model needs", id="package"
        ),
        pytest.param(AssertionError("Torch not compiled with CUDA enabled"), "device=x.device", id="device"),
        pytest.param(
            ValueError("Default process group has not been initialized"),
            "Leave DistributedDataParallel",
            id="processes",
        ),
        pytest.param(
            AttributeError("'_OpNamespace' 'mylib' object has no attribute 'scale'"),
            "write what they compute with torch's own operations",
            id="operator",
        ),
        pytest.param(FileNotFoundError(2, "No such file", "a.json"), "put the file into it", id="file"),
        pytest.param(RecursionError("maximum recursion depth exceeded"), "calls itself without an end", id="recursion"),
        pytest.param(UserWarning("old"), "turns warnings into errors", id="warning"),
        pytest.param(RuntimeError("of its own"), "raised by none of the model's own lines", id="not in the folder"),
    ],
)
def test_a_common_error_comes_with_its_own_remedy(error, remedy):
    told = fault_text(error, FOLDER, "Importing net")
    assert told.startswith(f"Importing net fails: {type(error).__name__}: ")
    assert remedy in told
    assert told.endswith(".")


def test_the_inputs_are_only_suspected_when_the_model_is_asked():
    error = RuntimeError("mat1 and mat2 shapes cannot be multiplied (2x5 and 4x2)")
    assert "Compare the inputs in publish.yaml" in fault_text(error, FOLDER, "Asking the model seed 101")
    assert "publish.yaml" not in fault_text(error, FOLDER, "Calling net:Net")


def test_files_of_the_model_are_named_as_in_its_folder():
    told = fault_text(ImportError("cannot import name 'Net' (/models/digits/parts/net.py)"), FOLDER, "Importing net")
    assert "(parts/net.py)" in told


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(MemoryError(), True, id="Python"),
        pytest.param(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), True, id="torch"),
        pytest.param(RuntimeError("another"), False, id="another"),
    ],
)
def test_want_of_memory_is_recognised(error, expected):
    assert is_out_of_memory(error) is expected


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(TypeError("attention(): argument 'is_causal' must be bool, not Tensor"), id="flag"),
        pytest.param(TypeError("'is_causal' (position 6) must be bool, not Tensor"), id="flag by position"),
        pytest.param(TypeError("invalid types: (!Parameter!, bool, !tuple of (Tensor, Tensor)!)"), id="tuple"),
        pytest.param(KeyError(torch.tensor(3)), id="key"),
        pytest.param(KeyError((torch.tensor(3), torch.tensor(4))), id="key of two"),
    ],
)
def test_a_size_that_is_a_tensor_only_while_it_is_traced_is_told_so(error):
    assert "While a model is traced, its sizes are tensors" in fault_text(error, FOLDER, "Tracing the model")
    assert "is traced" not in fault_text(error, FOLDER, "Asking the model")
