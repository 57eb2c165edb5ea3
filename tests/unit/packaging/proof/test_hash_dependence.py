"""Which code may depend on hashes of texts, as the text of the code shows it."""

import textwrap

import pytest

from model_tools.packaging.proof.hash_dependence import may_depend_on_hashes

PLAIN = {
    "layers alone": "import torch\nfrom torch import nn\nclass Net(nn.Module):\n    pass",
    "a dict that is walked through": """
        from collections import OrderedDict
        import math
        def net(sizes):
            return [size - 1 for name, size in {"a": 2}.values()] + [math.sqrt(2)]
    """,
    "names that only sound like sets": "def net(offset, dataset, reset): return offset - dataset.reset_parameters()",
    "its own modules": "from .parts import layer\nimport parts\nfrom parts import layer as other\nnet = layer",
}
DEPENDENT = {
    "a set of texts": "net = [len(name) for name in {'a', 'b'}]",
    "a set comprehension": "net = {name for name in 'ab'}",
    "set by name": "net = list(set('ab'))",
    "frozenset by name": "net = list(frozenset('ab'))",
    "hash by name": "net = hash('a') % 7",
    "hash under another name": "from builtins import hash as number\nnet = number('a')",
    "a method that hashes": "net = 'a'.__hash__()",
    "keys of two dicts": "net = [*(dict(a=1).keys() & dict(a=2).keys())]",
    "keys in a variable": "names = {}.keys()\nnames -= {}.keys()",
    "buffers that torch keeps in a set": "def net(self): return list(self._non_persistent_buffers_set)",
    "text that is run": "net = eval('{1}')",
    "a library that is not known": "import networkx\nnet = networkx.Graph",
    "a part of a library that is not known": "from timm.models import create_model as net",
    "a set in its own module": "from unordered import names as net",
    "a set in its own package": "import package.inner as net",
    "a compiled module": "import compiled as net",
    "a compiled module of its own package": "from package import faster as net",
    "code that is no Python": "def net(",
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "parts.py").write_text("import torch\nlayer = torch.nn.Linear")
    (tmp_path / "unordered.py").write_text("names = list({'a', 'b'})")
    (tmp_path / "train.py").write_text("import pandas\nprint({'this file is not imported'})")
    (tmp_path / "compiled.so").touch()
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "inner.py").write_text("from ..unordered import names")
    (tmp_path / "package" / "faster.abi3.so").touch()
    return tmp_path


@pytest.mark.parametrize("code", PLAIN.values(), ids=PLAIN)
def test_plain_code_depends_on_no_hashes(folder, code):
    (folder / "net.py").write_text(textwrap.dedent(code))
    assert not may_depend_on_hashes("net:net", folder)


@pytest.mark.parametrize("code", DEPENDENT.values(), ids=DEPENDENT)
def test_code_that_may_use_a_set_or_a_hash_is_told(folder, code):
    (folder / "net.py").write_text(textwrap.dedent(code))
    assert may_depend_on_hashes("net:net", folder)


def test_an_architecture_that_is_not_in_the_folder_may_depend_on_hashes(folder):
    assert may_depend_on_hashes("torchvision.models:resnet18", folder)


def test_compiled_models_have_no_python_that_could_depend_on_hashes(folder):
    assert not may_depend_on_hashes(None, folder)
