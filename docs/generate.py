"""Write the pages of the reference that the code itself knows best. Run it with scripts/reference.

commands.md      from the commands and their options
targets.md       from the descriptors of the kinds of targets: their pages and their options
file-formats.md  the list of the CSV columns, between two marks; the rest is written by hand
mqtt.md          the table of the values in the state, between two marks
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec.inspect

from weighbridge import targets
from weighbridge.cli import command as root
from weighbridge.targets.formats import csv_format
from weighbridge.targets.kind import TargetKind
from weighbridge.targets.mqtt.sensors import SENSORS

REFERENCE = Path(__file__).resolve().parent / "reference"
GENERATED = "<!-- Written by scripts/reference: change the code, then run it. -->"


def pages() -> dict[Path, str]:
    """Path → text of every page that is generated, wholly or in part."""
    formats, mqtt = REFERENCE / "file-formats.md", REFERENCE / "mqtt.md"
    return {
        REFERENCE / "commands.md": commands_page(),
        REFERENCE / "targets.md": targets_page(),
        formats: _between("columns", _columns(), formats.read_text("utf-8")),
        mqtt: _between("sensors", _sensors(), mqtt.read_text("utf-8")),
    }


# --- Commands -----------------------------------------------------------------------------------


def commands_page() -> str:
    """Every command, with its options."""
    parts = [f"# Commands\n\n{GENERATED}\n\n`weighbridge COMMAND --help` shows the same.\n"]
    parts += [_command(path, one) for path, one in _commands(root, ())]
    return "\n".join(parts)


def _commands(
    group: click.Group, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, group
    for name in group.list_commands(click.Context(group)):
        found = group.get_command(click.Context(group), name)
        if isinstance(found, click.Group):
            yield from _commands(found, (*path, name))
        elif found is not None:
            yield (*path, name), found


def _command(path: tuple[str, ...], one: click.Command) -> str:
    name = " ".join(("weighbridge", *path))
    usage = " ".join(one.collect_usage_pieces(click.Context(one, info_name=name)))
    # Before Python 3.13 a docstring keeps the indentation of its code.
    texts = [inspect.cleandoc(one.help or ""), inspect.cleandoc(one.epilog or "")]
    described = "\n\n".join(_paragraph(part) for text in texts for part in _paragraphs(text))
    return (
        f"## `{name}`\n\n```text\n{name} {usage}\n```\n\n{described}\n\n{_options(one)}".rstrip()
        + "\n"
    )


def _paragraphs(text: str) -> list[str]:
    return [part for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]


def _paragraph(text: str) -> str:
    """click's mark for lines that stay as they are is a backspace of their own."""
    if not text.startswith("\b\n"):
        return textwrap.fill(" ".join(text.split()), 100)
    first, *rest = text.removeprefix("\b\n").splitlines()
    if rest and all(line.startswith("  ") for line in rest) and first.endswith(":"):
        return f"{first}\n\n```text\n{textwrap.dedent(chr(10).join(rest))}\n```"
    return "```text\n" + "\n".join([first, *rest]) + "\n```"


def _options(one: click.Command) -> str:
    rows = [_option(option) for option in one.params if isinstance(option, click.Option)]
    return "\n".join(["| Option | Meaning |", "|---|---|", *rows, ""]) if rows else ""


def _option(option: click.Option) -> str:
    context = click.Context(click.Command("x"))
    record = option.get_help_record(context)
    assert record is not None, option.name
    names, meaning = record
    return f"| `{names.replace('|', chr(92) + '|')}` | {' '.join(meaning.split())} |"


# --- Targets ------------------------------------------------------------------------------------


def targets_page() -> str:
    """Every kind of target that is part of Weighbridge."""
    intro = (
        "Where readings go. Keys that every target has (`name`, `since`, `settle`) are described "
        "in [Configuration](configuration.md). `weighbridge config check` knows them all."
    )
    parts = [f"# Targets\n\n{GENERATED}\n\n{textwrap.fill(intro, 100)}\n"]
    parts += [target_section(targets.find_kind(name)) for name in targets.own_kinds()]
    return "\n".join(parts)


def target_section(kind: TargetKind) -> str:
    """What the reference says about one kind, also of another package."""
    # Where a fact comes from matters to those who change the code.
    page = re.sub(r"\s*\(docs/reference/[^()]*\)", "", kind.page).strip()
    blocks = [_block(block) for block in re.split(r"\n\n+", page)]
    text = "\n\n".join(block for block in [*blocks, _facts(kind)] if block)
    return f"## `{kind.name}`\n\n{text}\n\n{_options_table(kind)}"


def _facts(kind: TargetKind) -> str:
    """What the descriptor knows besides."""
    facts = []
    if kind.requires:
        what = kind.install or f"weighbridge[{kind.name}]"
        facts.append(f"Needs `{kind.requires[0]}`: `pip install '{what}'`.")
    if kind.environment:
        named = ", ".join(f"`{variable}`" for variable in kind.environment.values())
        facts.append(f"Without a person in the file: {named} in the environment.")
    return "\n\n".join(facts)


def _block(text: str) -> str:
    """One paragraph of a docstring as Markdown."""
    if text.startswith("    "):
        return f"```toml\n{textwrap.dedent(text).replace('``', '')}\n```"
    text = re.sub(r"``(.*?)``", r"`\1`", text)
    if re.match(r"`\w+`\s{2,}", text):
        return _definitions(text)
    return "\n".join(textwrap.wrap(" ".join(text.removesuffix("::").split()), 100)) + (
        ":" if text.endswith("::") else ""
    )


def _definitions(text: str) -> str:
    """``name   meaning`` with a hanging indent becomes a list."""
    joined = re.sub(r"\n\s+", " ", text)
    items = [re.match(r"(`\w+`)\s+(.*)", line) for line in joined.splitlines()]
    return "\n".join(f"- {item[1]}: {' '.join(item[2].split())}" for item in items if item)


def _options_table(kind: TargetKind) -> str:
    meanings = _meanings(kind.options)
    info: Any = msgspec.inspect.type_info(kind.options)
    rows = []
    for field in info.fields:
        standard = "required" if field.required else _standard(field.default)
        rows.append(
            f"| `{field.name}` | {_values(field.type)} | {standard} "
            f"| {meanings.get(field.name) or _elsewhere(field.name, kind)} |"
        )
    return (
        "\n".join(["| Option | Values | Without it | Meaning |", "|---|---|---|---|", *rows]) + "\n"
    )


def _elsewhere(name: str, kind: TargetKind) -> str:
    return "see above" if f"``{name}``" in kind.page else ""


def _standard(value: Any) -> str:
    if value is None or value == "":
        return "none"
    return f"`{msgspec.json.encode(value).decode()}`"


def _values(kind: Any) -> str:
    inspect = msgspec.inspect
    match kind:
        case inspect.LiteralType(values=values):
            return ", ".join(f'`"{value}"`' for value in values)
        case inspect.UnionType(types=types):
            return _values(next(one for one in types if not isinstance(one, inspect.NoneType)))
        case inspect.BoolType():
            return "`true`, `false`"
        case inspect.IntType(ge=low, le=high):
            least = "" if low is None else f" from {low}"
            return f"whole number{least}" + ("" if high is None else f" to {high}")
        case inspect.FloatType():
            return "number"
    return "text"


def _meanings(struct: type) -> dict[str, str]:
    """Field → the docstring below it: only the source has them."""
    [options] = ast.parse(textwrap.dedent(inspect.getsource(struct))).body
    assert isinstance(options, ast.ClassDef)
    found = {}
    for field, below in zip(options.body, options.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            text = below.value if isinstance(below, ast.Expr) else None
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                words = re.sub(r"\s*\(docs/reference/[^()]*\)", "", text.value)
                words = " ".join(words.split())
                found[field.target.id] = re.sub(r"``(.*?)``", r"`\1`", words)
    return found


# --- Between two marks --------------------------------------------------------------------------


def _between(name: str, text: str, page: str) -> str:
    """The page with ``text`` between its marks of this name."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    assert after, f"{begin} or {end} is missing"
    return f"{before}{begin}\n{text}\n{end}{after}"


def _columns() -> str:
    """The CSV columns."""
    return textwrap.fill(", ".join(f"`{name}`" for name in csv_format.COLUMNS), 100)


def _sensors() -> str:
    """The values in the state of a person, and the entities that Home Assistant makes of them."""
    rows = [f"| `{one.key}` | {one.unit or ''} | `sensor.anna_{one.entity}` |" for one in SENSORS]
    return "\n".join(["| Key | Unit | Entity in Home Assistant |", "|---|---|---|", *rows])


def main() -> None:
    """Write what changed."""
    for path, text in pages().items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
