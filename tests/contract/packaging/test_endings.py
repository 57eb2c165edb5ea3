"""How the process of a model's code may end, and that the message names the step and the line of the model's files."""

import re
import textwrap
from pathlib import Path

import pytest
import torch

from model_tools.errors import ModelTooLarge, PublishError, TraceFailed
from model_tools.packaging.limits import Limits
from tests.support.packaging.model_folders import LINEAR, build, write_model
from tests.support.packaging.packing import package_model

NEVER_SAID = re.compile(r"exited with|status \d|Traceback|File \"|model_tools|frame #|site-packages|\d\.\d{4},")
"""Words of a stack, of a dump, or of a process, which no message has."""


def message_of(
    tmp_path: Path, error: type[PublishError], *, forward: str = "", top: str = "", seconds: float = 60
) -> str:
    code = textwrap.dedent(LINEAR).replace(
        "return self.layer(x)", "pass\n" + textwrap.indent(forward or "return self.layer(x)", " " * 8)
    )
    folder = write_model(tmp_path / "model", code, weights=build(LINEAR).state_dict())
    (folder / "net.py").write_text(f"{top}\n{code.lstrip()}")
    with pytest.raises(error) as caught:
        package_model(folder, tmp_path / "package", limits=Limits(child_seconds=seconds))
    assert type(caught.value) is error
    message = str(caught.value)
    assert not NEVER_SAID.search(message), message
    return message


@pytest.mark.parametrize(
    ("forward", "error", "told"),
    [
        pytest.param(
            "import os; os._exit(4)", TraceFailed, "ends its process with os._exit (net.py, line 12: `", id="left"
        ),
        pytest.param(
            "import os; os._exit(0)",
            TraceFailed,
            "ends its process with os._exit (net.py, line 12: `",
            id="left without fault",
        ),
        pytest.param("raise SystemExit(3)", TraceFailed, "fails: SystemExit: 3 (net.py, line 12: `", id="exit"),
        pytest.param("quit()", TraceFailed, "fails: SystemExit (net.py, line 12: `quit()`)", id="quit"),
        pytest.param(
            "raise KeyboardInterrupt", TraceFailed, "fails: KeyboardInterrupt (net.py, line 12: `", id="interrupt"
        ),
        pytest.param(
            "import ctypes; ctypes.string_at(0)",
            TraceFailed,
            "(SIGSEGV); its last step was: Asking the model seed 101 (usual, 2x4) (net.py, line 12)",
            id="segmentation fault",
        ),
        pytest.param(
            "import os; os.abort()",
            TraceFailed,
            "(SIGABRT); its last step was: Asking the model seed 101 (usual, 2x4) (net.py, line 12)",
            id="abort",
        ),
        pytest.param(
            "import os, signal; os.kill(os.getpid(), signal.SIGALRM)",
            TraceFailed,
            "ended by a signal (SIGALRM); its last step was: Asking the model seed 101",
            id="alarm",
        ),
        pytest.param(
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            ModelTooLarge,
            "as the kernel does when memory runs out; its last step was: Asking the model seed 101",
            id="killed",
        ),
        pytest.param(
            "import os; os.execv('/bin/true', ['true'])",
            TraceFailed,
            "ended its process before it had an answer; its last step was: Asking the model seed 101",
            id="replaced",
        ),
        pytest.param(
            "raise MemoryError",
            ModelTooLarge,
            "fails: memory ran out (net.py, line 12: `raise MemoryError`)",
            id="no memory",
        ),
        pytest.param(
            "return torch.ones(1 << 46) + x",
            ModelTooLarge,
            "fails: memory ran out (net.py, line 12: `",
            id="no memory for a tensor",
        ),
        pytest.param(
            "return self.forward(x)",
            TraceFailed,
            "RecursionError: maximum recursion depth exceeded (net.py, line 12: `",
            id="recursion",
        ),
        pytest.param(
            "raise ValueError(f'bad {torch.randn(50, 50).tolist()}')",
            TraceFailed,
            "fails: ValueError: bad [… ",
            id="dump of numbers",
        ),
        pytest.param(
            "raise ValueError('bad ' + chr(0xdcff))",
            TraceFailed,
            "fails: ValueError: bad ? (net.py, line 12: `",
            id="undecodable",
        ),
        pytest.param(
            "import sys; sys.stdout.close(); sys.stderr.close(); raise ValueError('x')",
            TraceFailed,
            "fails: ValueError: x (net.py, line 12: `",
            id="closed streams",
        ),
        pytest.param(
            "import os; os.chdir('/'); raise ValueError('x')",
            TraceFailed,
            "fails: ValueError: x (net.py, line 12: `",
            id="another folder",
        ),
        pytest.param(
            "import warnings; warnings.simplefilter('error'); warnings.warn('old')",
            TraceFailed,
            "fails: UserWarning: old (net.py, line 12: `",
            id="warnings as errors",
        ),
    ],
)
def test_an_end_in_forward_is_told_with_its_step_and_line(tmp_path, forward, error, told):
    message = message_of(tmp_path, error, forward=forward)
    assert "sking the model seed 101" in message
    assert told in message


@pytest.mark.parametrize(
    ("top", "told"),
    [
        pytest.param(
            "import sys; depth = int(sys.argv[1])",
            "fails: IndexError: list index out of range (net.py, line 1: `",
            id="arguments",
        ),
        pytest.param(
            "import argparse; argparse.ArgumentParser().parse_args(['--x'])",
            "SystemExit: 2 (net.py, line 1: `",
            id="argparse",
        ),
        pytest.param("depth = input()", "EOFError: EOF when reading a line (net.py, line 1: `", id="input"),
        pytest.param(
            "from .blocks import Block",
            "relative import with no known parent package (net.py, line 1: `",
            id="relative import",
        ),
        pytest.param(
            "import timm", "it imports 'timm', which is neither in the model's folder nor installed", id="package"
        ),
        pytest.param("import os; os.environ['DATA']", "no environment variables of yours", id="environment"),
        pytest.param("open('labels.json')", "put the file into it", id="file"),
        pytest.param(
            "import os; os._exit(1)",
            "Importing net fails: the code ends its process with os._exit (net.py, line 1: `",
            id="left",
        ),
    ],
)
def test_an_end_while_the_module_is_imported_is_told_with_its_line(tmp_path, top, told):
    message = message_of(tmp_path, TraceFailed, top=top)
    assert message.startswith("Importing net fails: ")
    assert told in message


def test_a_loop_without_end_is_told_with_its_line(tmp_path):
    message = message_of(tmp_path, TraceFailed, forward="while True: pass", seconds=5)
    assert (
        "was not ready within 5 s; its last step was: Asking the model seed 101 (usual, 2x4) (net.py, line 12)"
        in message
    )


def test_a_loop_in_a_library_is_told_with_the_line_that_called_it(tmp_path):
    message = message_of(tmp_path, TraceFailed, top="import threading; threading.Event().wait()", seconds=5)
    assert "its last step was: Importing net (net.py, line 1)" in message


def test_a_stack_that_the_code_has_forged_leads_to_no_file_outside_its_folder(tmp_path):
    forged = """
        import os
        frame = b'  File "/etc/passwd", line 1 in forward' + bytes([10])
        for name in os.listdir("/proc/self/fd"):
            if os.path.exists(f"/proc/self/fd/{name}") and "last_stack" in os.readlink(f"/proc/self/fd/{name}"):
                os.write(int(name), frame)
        os.kill(os.getpid(), 6)
    """
    message = message_of(tmp_path, TraceFailed, forward=textwrap.dedent(forged))
    assert "its last step was: Asking the model seed 101 (usual, 2x4) (net.py, line 18)" in message
    assert "passwd" not in message


def test_what_a_model_prints_is_no_obstacle(tmp_path):
    noise = "print('x' * 1_000_000); import sys; sys.stderr.write('y' * 1_000_000)"
    code = textwrap.dedent(LINEAR).replace("return self.layer(x)", f"{noise}\n        return self.layer(x)")
    package_model(write_model(tmp_path / "model", code, weights=build(LINEAR).state_dict()), tmp_path / "package")


def test_processes_that_the_code_forks_may_end_as_they_like(tmp_path):
    fork = """
        import os

        child = os.fork()
        if child == 0:
            os._exit(3)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 3:
            raise RuntimeError("it ended otherwise")
        return self.layer(x)
    """
    code = textwrap.dedent(LINEAR).replace(
        "        return self.layer(x)\n", textwrap.dedent(fork).replace("\n", "\n        ")
    )
    package_model(write_model(tmp_path / "model", code, weights=build(LINEAR).state_dict()), tmp_path / "package")


BLOCKS = "import torch\nfrom torch import nn\n\n\nclass Block(nn.Linear):\n    pass\n"


@pytest.mark.parametrize(
    ("files", "fields"),
    [
        pytest.param(
            {"net.py": "from blocks import Block\n\n\ndef Net():\n    return Block(4, 2)\n", "blocks.py": BLOCKS},
            {},
            id="a module beside it",
        ),
        pytest.param(
            {
                "nets/digits.py": "from .blocks import Block\n\n\ndef Net():\n    return Block(4, 2)\n",
                "nets/blocks.py": BLOCKS,
            },
            {"architecture": "nets.digits:Net"},
            id="a package",
        ),
        pytest.param(
            {
                "net.py": f"{BLOCKS}\n\ndef Net():\n    return Block(4, 2)\n\n\nif __name__ == '__main__':\n"
                "    import argparse\n\n    argparse.ArgumentParser().parse_args()\n"
            },
            {},
            id="the command line below main",
        ),
        pytest.param(
            {
                "net.py": f"from pathlib import Path\n{BLOCKS}\n\ndef Net():\n"
                "    return Block(4, int((Path(__file__).parent / 'width.txt').read_text()))\n",
                "width.txt": "2",
            },
            {},
            id="a file beside the module",
        ),
        pytest.param(
            {"net.py": f"{BLOCKS}\n\ndef Net(width):\n    return Block(4, width)\n"},
            {"arguments": {"width": 2}},
            id="a value as argument",
        ),
        pytest.param(
            {
                "net.py": "import torch\nfrom torch import nn\n\n\nclass Net(nn.Linear):\n    def __init__(self):\n"
                "        super().__init__(4, 2)\n\n    def forward(self, pixels, *, labels=None, **more):\n"
                "        return super().forward(pixels) + torch.zeros(2, device=pixels.device)\n"
            },
            {},
            id="other names for arguments and the device of the input",
        ),
    ],
)  # fmt: skip
def test_what_the_messages_say_to_write_instead_is_published(tmp_path, files, fields):
    weights = torch.nn.Linear(4, 2).state_dict()
    package_model(write_model(tmp_path / "model", LINEAR, weights=weights, files=files, **fields), tmp_path / "package")
