"""Index a folder of Markdown and text files: titles, words, links, and which relative links lead nowhere.

    python examples/index_folder.py docs

Each file is one run, kept in `index-of-docs/runs.db`. Kill the program at any moment and start it again: it goes on
where it was. Start it later once more: only files that have changed are read. Files that can't be read are tried three
times, and listed. The whole index is written to `index.md` and `index.json` beside the database.
"""

import argparse
import asyncio
import codecs
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote, unquote

from penstock import App, Keep, Never, Retry, Run, RunFailed, Task, WrongState

SUFFIXES = (".md", ".markdown", ".txt", ".text", ".rst")
LARGEST = 32 * 1024 * 1024  # bytes of a file that are read; the report says of which files there are more
MOST_LINKS = 2_000  # relative links of one file that are checked; the report says where there are more
PORTION = 500  # files looked at, and enqueued, at a time
DAY = 86_400.0

MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
RULE = "#=-*~ \t"  # what stands around titles
FENCE = re.compile(r"\s{0,3}(```|~~~)")
CODE = re.compile(r"`[^`]*`")
LINK = re.compile(r"\]\(\s*(<[^<>]*>|(?:[^\s()<>]|\([^\s()<>]*\))+)|^\s{0,3}\[[^\]]+\]:\s*(\S+)|<?(https?://[^\s<>)]+)")
SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")


@dataclass(frozen=True)
class Contents:
    """What one file says."""

    title: str
    words: int
    lines: int
    size: int  # bytes
    encoding: str
    links: int
    relative: list[tuple[int, str]]  # line and target of relative links
    read_at: float
    partly: bool = False  # longer than what is read, or more links than are checked


@dataclass(frozen=True)
class File:
    """A file that was found. `digest` is None if it could not be read just now."""

    path: str
    digest: str | None

    @property
    def key(self) -> str:
        """The same for the same content in the same place."""
        return hashlib.sha256(f"{self.digest}\0{self.path}".encode()).hexdigest()


@dataclass(frozen=True)
class Problem:
    """A file that is not in the index, and why."""

    path: str
    error: str
    attempts: int = 0


@dataclass(frozen=True)
class Job:
    """What was asked for."""

    folder: Path
    out: Path
    workers: int


@dataclass
class Index:
    """What was found out."""

    folder: str
    files: dict[str, Contents] = field(default_factory=dict[str, Contents])
    broken: list[tuple[str, int, str]] = field(default_factory=list[tuple[str, int, str]])
    problems: list[Problem] = field(default_factory=list[Problem])


def head_of(path: Path) -> tuple[bytes, int]:
    """The beginning of the file, up to LARGEST, and its size."""
    with path.open("rb") as file:
        return file.read(LARGEST), os.fstat(file.fileno()).st_size


def digest_of(head: tuple[bytes, int]) -> str:
    return hashlib.sha256(b"%d " % head[1] + head[0]).hexdigest()


def decoded(data: bytes) -> tuple[str, str]:
    """The text, and its encoding: by its mark, else UTF-8, else what Windows used to write."""
    for mark, encoding in MARKS.items():
        if data.startswith(mark):
            return data.decode(encoding, "replace"), encoding
    if b"\0" in data:
        raise Never("it is no text: there are zero bytes in it")
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data, final=len(data) < LARGEST), "utf-8"
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), "cp1252"


def contents_of(data: bytes, size: int, *, markdown: bool) -> Contents:
    text, encoding = decoded(data)
    title, fenced, links = "", False, 0
    relative: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if markdown and FENCE.match(line):
            fenced = not fenced
        if fenced:
            continue
        if (not title and line.strip(RULE)) or (line.startswith("# ") and not title.startswith("# ")):
            title = line.strip()
        for found in LINK.finditer(CODE.sub("", line)):
            links += 1
            target = str(found[1] or found[2] or found[3]).strip("<>")
            if markdown and not SCHEME.match(target) and not target.startswith(("#", "//")) and len(target) < 1_000:
                relative.append((number, target))
    return Contents(
        title="".join(one for one in title.strip(RULE)[:120] if one.isprintable()),
        words=len(text.split()),
        lines=text.count("\n") + (not text.endswith("\n")) if text else 0,
        size=size,
        encoding=encoding,
        links=links,
        relative=relative[:MOST_LINKS],
        read_at=time.time(),
        partly=size > LARGEST or len(relative) > MOST_LINKS,
    )


IndexFile: TypeAlias = Task[[str, str | None], Contents]


def task_of(app: App, folder: Path) -> IndexFile:
    """The task of this program. Results are kept a little longer than keys: what a key stands for can be read."""

    @app.task(
        retry=Retry(3, on=OSError, delay="200ms"),
        keep=Keep(succeeded=31 * DAY, failed=31 * DAY, newest=10_000_000),
        key_ttl="30d",
    )
    def index_file(path: str, digest: str | None) -> Contents:
        data, size = head_of(folder / path)
        if digest is not None and digest != digest_of((data, size)):
            raise Never("it was changed meanwhile: start again")
        return contents_of(data, size, markdown=path.lower().endswith((".md", ".markdown")))

    return index_file


def paths_in(folder: Path, out: Path, problems: list[Problem]) -> Iterator[str]:
    """Relative paths of text files, in order. Hidden folders are left out, links to folders are not followed."""

    def refused(error: OSError) -> None:
        problems.append(Problem(os.path.relpath(str(error.filename), folder) + "/", f"{error.strerror}"))

    for where, folders, names in os.walk(folder, onerror=refused):
        folders[:] = sorted(one for one in folders if one[0] != "." and Path(where, one).resolve() != out)
        for name in sorted(names):
            path = Path(where, name)
            if name.lower().endswith(SUFFIXES) and (path.is_file() or not path.exists()):  # no pipes; dangling links
                yield os.path.relpath(path, folder)


def looked_at(paths: Iterable[str], folder: Path, problems: list[Problem]) -> list[File]:
    """The files, with digests."""
    found: list[File] = []
    for path in paths:
        try:
            path.encode()
            found.append(File(path, digest_of(head_of(folder / path))))
        except UnicodeEncodeError:
            problems.append(Problem(path, "its name is not UTF-8"))
        except OSError:
            found.append(File(path, None))  # a worker tries again, and says why
    return found


async def enqueue_all(app: App, task: IndexFile, index: Index, paths: Iterator[str]) -> dict[str, Run[Contents]]:
    """A run for each file: the one there is, if the file is as it was."""
    runs: dict[str, Run[Contents]] = {}
    while portion := await asyncio.to_thread(lambda: list(islice(paths, PORTION))):
        files = await asyncio.to_thread(looked_at, portion, Path(index.folder), index.problems)
        calls = [(task.opts(key=one.key) if one.digest else task).call(one.path, one.digest) for one in files]
        runs |= zip((one.path for one in files), await app.enqueue_many(calls), strict=True)
    return runs


async def ended(run: Run[Contents]) -> Contents | RunFailed:
    """What became of the file; one that failed when the program ran before gets another life."""
    try:
        return await run.result()
    except RunFailed as error:
        if run.created:
            return error
    with suppress(WrongState):  # if this program runs twice, the other one may have done it
        await run.redrive()
    try:
        return await run.result()
    except RunFailed as error:
        return error


async def collect(runs: dict[str, Run[Contents]], index: Index, advance: Callable[[], None]) -> None:
    """Wait for all runs, some at a time, and note what they say."""
    waiting = iter(runs.items())

    async def wait_for_some() -> None:
        for path, run in waiting:
            match await ended(run):
                case Contents() as contents:
                    index.files[path] = contents
                case RunFailed() as error:
                    attempts = (await run.status()).attempts
                    index.problems.append(Problem(path, f"{error.error_type}: {error.message}", attempts))
            advance()

    async with asyncio.TaskGroup() as group:
        for _ in range(100):
            group.create_task(wait_for_some())


def check_links(index: Index) -> None:
    """Find relative links to what is not there. At the end, since removing a file breaks the links of others."""
    for path, contents in sorted(index.files.items()):
        for line, target in contents.relative:
            place = unquote(target.partition("#")[0].partition("?")[0]).replace("\0", "")
            base = Path(index.folder) if place.startswith("/") else Path(index.folder, path).parent
            if place and not os.access(base / place.lstrip("/"), os.F_OK):
                index.broken.append((path, line, target))


def shown(text: str) -> str:
    """The text on one line, nothing in it that steers a terminal."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]], *, most: int = 10) -> None:
    """Print the first rows, numbers to the right."""
    if not rows:
        return
    print(f"\n{title}")
    cells = [[f"{one:,}" if isinstance(one, int) else shown(str(one))[:80] for one in row] for row in rows[:most]]
    sides = [">" if isinstance(one, int) else "<" for one in rows[0]]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    for row in [heads, *cells]:
        parts = [f"{one:{side}{width}}" for one, side, width in zip(row, sides, widths, strict=True)]
        print("  " + "  ".join(parts).rstrip())
    if len(rows) > most:
        print(f"  ... and {len(rows) - most:,} more")


def as_markdown(index: Index) -> str:
    """The whole index as a page."""

    def cell(text: str) -> str:
        return re.sub(r"([\\|\[\]<>`*_])", r"\\\1", shown(text))

    lines = [f"# Index of {cell(index.folder)}", "", "| file | title | words | links |", "|---|---|---:|---:|"]
    for path, one in sorted(index.files.items()):
        lines.append(f"| {cell(path)} | {cell(one.title)} | {one.words:,} | {one.links:,} |")
    sections = {
        "Broken links": [f"{cell(path)}, line {line}: {cell(target)}" for path, line, target in index.broken],
        "Not indexed": [f"{cell(one.path)}: {cell(one.error)}" for one in index.problems],
        "Only partly read": [cell(path) for path, one in sorted(index.files.items()) if one.partly],
    }
    for title, items in sections.items():
        if items:
            lines += ["", f"## {title}", "", *(f"- {item}" for item in items)]
    return "\n".join([*lines, ""])


def write(index: Index, out: Path) -> None:
    """Write both forms; a reader never sees half a file."""
    texts = {"index.json": json.dumps(asdict(index), indent=1, sort_keys=True), "index.md": as_markdown(index)}
    for name, text in texts.items():
        (out / f"{name}.new").write_text(text, encoding="utf-8", errors="replace")
        (out / f"{name}.new").replace(out / name)


def report(index: Index, job: Job, started: float) -> None:
    files = index.files.values()
    fresh = sum(one.read_at >= started for one in files)
    words, links = sum(one.words for one in files), sum(one.links for one in files)
    print(f"{shown(index.folder)}: {len(files):,} files, {words:,} words, {links:,} links")
    print(f"  {fresh:,} read now, {len(files) - fresh:,} known from before, {len(index.problems):,} not indexed")
    longest = sorted(index.files.items(), key=lambda item: (-item[1].words, item[0]))
    table("Longest", ["words", "links", "file", "title"], [(c.words, c.links, path, c.title) for path, c in longest])
    table("Broken links", ["file", "line", "target"], index.broken)
    table("Not indexed", ["file", "tries", "why"], [(one.path, one.attempts, one.error) for one in index.problems])
    table("Only partly read", ["file", "bytes"], [(path, c.size) for path, c in index.files.items() if c.partly])
    print(f"\nWritten: {job.out / 'index.md'} and .json")


@contextmanager
def progress(total: int) -> Generator[Callable[[], None]]:
    """A bar where someone looks and rich is installed, else a line now and then. Yields what moves it on."""
    if sys.stderr.isatty() and find_spec("rich") is not None:
        rich = import_module("rich.progress")
        with rich.Progress(console=import_module("rich.console").Console(stderr=True), transient=True) as bar:
            line = bar.add_task("indexing", total=total)
            yield lambda: bar.advance(line)
        return
    done, step = 0, max(10, total // 10)

    def advance() -> None:
        nonlocal done
        done += 1
        if done % step == 0 or done == total:
            print(f"indexed {done:,} of {total:,}", file=sys.stderr, flush=True)

    yield advance


async def run(job: Job) -> int:
    started = time.time()
    app = App(f"sqlite:///{quote(str(job.out.absolute() / 'runs.db'))}")
    index_file = task_of(app, job.folder)
    index = Index(str(job.folder))
    async with app:
        left = sum(one.n for one in await app.counts() if not one.state.finished)
        if left:
            print(f"The program was stopped before: {left:,} files were left, going on with them.", flush=True)
        async with app.worker(concurrency=job.workers, lease="2s", grace="2s"):
            paths = paths_in(job.folder, job.out.resolve(), index.problems)
            runs = await enqueue_all(app, index_file, index, paths)
            with progress(len(runs)) as advance:
                await collect(runs, index, advance)
    index.problems.sort(key=lambda one: one.path)
    await asyncio.to_thread(check_links, index)
    write(index, job.out)
    report(index, job, started)
    return 1 if index.problems else 0


def asked(arguments: Sequence[str] | None) -> Job:
    parser = argparse.ArgumentParser(
        description="Index a folder of Markdown and text files. Killed and started again, it goes on where it was.",
        epilog="Exit status: 0 all files are in the index, 1 some could not be read, 2 wrong usage, 130 interrupted.",
    )
    parser.add_argument("folder", type=Path, help=f"looks for {', '.join(SUFFIXES)}, not in hidden folders")
    parser.add_argument("--workers", type=int, default=4, metavar="N", help="files read at a time (default: 4)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="for index and database (default: index-of-FOLDER)")
    args = parser.parse_args(arguments)
    if not args.folder.is_dir():
        parser.error(f"{args.folder} is no folder")
    if not 1 <= args.workers <= 1_000:
        parser.error("--workers is 1 to 1000")
    out: Path = args.out or Path(f"index-of-{args.folder.resolve().name or 'all'}")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--out {out}: {error.strerror}")
    return Job(args.folder, out, args.workers)


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        return asyncio.run(run(asked(arguments)))
    except KeyboardInterrupt:
        print("\nInterrupted. Start it again to go on.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
