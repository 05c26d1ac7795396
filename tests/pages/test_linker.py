"""The linker: modules become one, and what is wrong with them is one sentence."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from kvviz.pages.kit.linker import PAGES, LinkError, linked, module, ordered, unused

ENTRIES = {
    entry
    for path in PAGES.rglob("*.py")
    for entry in re.findall(r'\blinked\("([^"]+)"\)', path.read_text())
}


@pytest.fixture
def pages(tmp_path):
    """A folder of pages, and how to write modules into it."""

    def write(**modules):
        for name, text in modules.items():
            path = tmp_path / f"{name.replace('_', '/')}.js"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def run(code, tmp_path):
    """Return what a linked module prints under node."""
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    path = tmp_path / "linked.mjs"
    path.write_text(code)
    return subprocess.run(
        ["node", path], capture_output=True, check=True, timeout=30, text=True
    ).stdout.strip()


def refused(folder, entry="a.js"):
    with pytest.raises(LinkError) as caught:
        linked(entry, folder)
    return str(caught.value)


def test_imported_modules_are_called_once_each_after_those_that_they_import(pages):
    folder = pages(
        a='import {b} from "./b.js"\nimport {c} from "./c.js"\nexport const a = b + c\n',
        b='import {c} from "./c.js"\nexport const b = c + 1\n',
        c="export const c = 1\nexport const not_taken = 2\n",
    )
    assert [one.name for one in ordered("a.js", folder)] == ["c.js", "b.js", "a.js"]
    assert linked("a.js", folder) == (
        "const $c = (() => {\nconst c = 1\nconst not_taken = 2\nreturn {c}\n})()\n"
        "const $b = (() => {\nconst {c} = $c\nconst b = c + 1\nreturn {b}\n})()\n"
        "const {b} = $b\nconst {c} = $c\nconst a = b + c\nexport {a}\n"
        "//# sourceURL=kvviz/a.linked.js\n"
    )


def test_an_entry_is_linked_once(pages):
    folder = pages(a="export const a = 1\n")
    assert linked("a.js", folder) is linked("a.js", folder)
    assert module("a.js", folder) is module("a.js", folder)


def test_modules_of_other_folders_are_found(pages):
    folder = pages(
        kit_js_b="export const b = 2\n",
        hbm_js_a='import {b} from "../../kit/js/b.js"\nexport const a = b\n',
    )
    assert "const $kit$b = " in linked("hbm/js/a.js", folder)
    assert "const {b} = $kit$b" in linked("hbm/js/a.js", folder)


def test_names_of_modules_do_not_meet(pages, tmp_path):
    folder = pages(
        a='import {read} from "./b.js"\nimport {other} from "./c.js"\n'
        'const own = "a"\nconsole.log(own, read(), other())\n',
        b='const own = "b"\nexport function read() { return own }\n',
        c='const own = "c"\nexport const other = () => own + C.name\nclass C {}\n',
    )
    assert run(linked("a.js", folder), tmp_path) == "a b cC"


def test_imports_may_take_several_lines_and_names(pages, tmp_path):
    folder = pages(
        a='import {\n  b,\n  c,\n} from "./b.js"\nimport {d} from "./b.js"\n'
        "console.log(b, c, d())\n",
        b="export const b = 1\nexport const c = 2\nexport async function d() {}\n",
    )
    assert run(linked("a.js", folder), tmp_path) == "1 2 Promise { undefined }"


def test_comments_stay_behind_and_texts_do_not(pages, tmp_path):
    text = r"""// A comment.
/** @type {string} */
export const a = "// no comment" // a comment
/* a comment
   of two lines */

const division = 8 / 2 / 1 // `
const found = /[/"'`]\/\//.test('/"//') /* a comment */
const {length} = `}`
const template = `// no ${`comment ${{a: `{` /* comment */}.a}`} } /* either */

import {x} from "./x.js"
`
console.log([a, division, found, length, template].join("|"))
"""
    folder = pages(a=text)
    code = linked("a.js", folder)
    assert "A comment" not in code
    assert "of two lines" not in code
    assert "@type" not in code
    assert run(code, tmp_path).splitlines() == [
        "// no comment|4|true|1|// no comment { } /* either */",
        "",
        'import {x} from "./x.js"',
    ]


def test_a_script_without_exports_stays_a_script(pages):
    assert "export" not in linked("a.js", pages(a="addEventListener('load', () => {})\n"))


def test_a_circle_is_said(pages):
    folder = pages(
        a='import {b} from "./b.js"\n',
        b='import {c} from "./c.js"\nexport const b = 1\n',
        c='import {b} from "./b.js"\nexport const c = 1\n',
    )
    assert refused(folder) == "b.js imports c.js imports b.js; expected no circle."


def test_what_is_not_exported_is_said(pages):
    folder = pages(a='import {b} from "./b.js"\n', b="export const c = 1\nexport class D {}\n")
    assert refused(folder) == "a.js imports b from b.js, which exports c, D."


def test_what_is_not_there_is_said(pages):
    folder = pages(a='import {b} from "./b.js"\n')
    assert refused(folder) == "a.js imports ./b.js, which is not there."


@pytest.mark.parametrize(
    "statement",
    [
        'import b from "./b.js"',
        'import * as b from "./b.js"',
        'import {b as c} from "./b.js"',
        'import "./b.js"',
        'import {b} from "b"',
        "import {b} from './b.js'",
        "export default class {}",
        "export let a = 1",
        'export {b} from "./b.js"',
        "export {a}",
    ],
)
def test_another_form_is_said(pages, statement):
    folder = pages(a=f"const a = 1\n{statement}\n", b="export const b = 1\n")
    assert refused(folder) == (
        f'a.js says `{statement}`; expected `import {{a}} from "./other.js"` or `export` before a '
        "const, function or class."
    )


def test_a_template_without_an_end_is_said(pages):
    assert refused(pages(a="\nconst a = `b\nconst c\n")) == (
        "a.js, line 2: expected an end of the template or of the regex."
    )


def test_what_no_component_needs_is_said(pages):
    folder = pages(
        a='import {b} from "./b.js"\nexport const render = b\n',
        b="export const b = 1\nexport const c = 2\n",
        d="export const d = 1\n",
    )
    assert unused(["a.js"], folder) == [
        "d.js is part of no component.",
        "b.js exports c, which no module imports.",
    ]


def test_every_component_has_all_that_it_imports_and_nothing_is_left_over():
    assert len(ENTRIES) > 20
    assert unused(ENTRIES) == []


@pytest.mark.parametrize("entry", sorted(ENTRIES))
def test_a_component_loads_a_module_that_renders(entry):
    code = linked(entry)
    if entry == "kit/js/between.js":  # a script in the head of every page
        assert "\nexport" not in code
    else:
        assert "\nexport {render}\n" in code
    assert "\nimport " not in code


def test_modules_import_their_own_page_and_the_kit_alone():
    for path in PAGES.rglob("*.js"):
        name = path.relative_to(PAGES).as_posix()
        own = Path(name).parts[0]
        assert {Path(other).parts[0] for other in module(name).imports} <= {own, "kit"}
