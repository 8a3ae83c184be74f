"""A page about a trained network, made of its record."""

from __future__ import annotations

from skelbench.results.record import Record


def card(record: Record, run: str) -> str:
    """The page in Markdown, with the header that model hubs read.

    Args:
        record: What is known of the run.
        run: Its name.
    """
    rows = [f"| {name} | {value} |" for name, value in _facts(record)]
    scores = [f"| {name} | {value:.2f} % |" for name, value in record.metrics.items()]
    synthetic = (
        ["", "**Trained and tested on synthetic recordings: its figures say nothing about any method.**"]
        if record.synthetic
        else []
    )
    return "\n".join(
        [
            *("---", "library_name: skelbench", "tags: [action-recognition, neural-architecture-search]"),
            *(f"datasets: [{record.dataset}]", "---", ""),
            f"# {record.model} on {record.dataset}",
            "",
            f"Trained by skelbench from the spec `{record.spec}`; the run is `{run}`.",
            *synthetic,
            *("", f"| metric on the test split ({record.protocol}) | |", "|---|---|", *scores),
            *("", "| | |", "|---|---|", *rows, ""),
            "`input.json` describes the input and the classes, `example.npz` holds a made-up recording with "
            "its clips and scores, `record.json` everything that is known of the run. The weights are in "
            "`model.safetensors`.",
            "",
            "```bash",
            "skelbench predict THIS_FOLDER FILE          # classify a recording",
            "skelbench export THIS_FOLDER --to onnx",
            "skelbench train SPEC --arch NAME --start NAME=THIS_FOLDER   # begin with its weights",
            "```",
            "",
        ]
    )


def _facts(record: Record) -> list[tuple[str, str]]:
    known: list[tuple[str, object]] = [
        ("architecture", record.architecture),
        ("found by", record.strategy.name if record.strategy else ""),
        ("stream", record.stream),
        ("layout", record.layout),
        ("views of a recording", record.views),
        ("parameters", f"{record.params:,}" if record.params is not None else ""),
        ("MACs of a clip", f"{record.macs:,}" if record.macs is not None else ""),
        ("seed", record.seed),
        ("epoch", record.selection),
        ("trained for", f"{record.training.epochs} epochs" if record.training else ""),
        ("profile", record.profile),
        ("pre-trained on", record.pretrained_on),
        ("split", record.split_fingerprint),
        ("recordings", record.data_fingerprint),
        ("spec hash", record.spec_hash),
        ("skelbench, torch", f"{record.environment.skelbench}, {record.environment.torch}"),
        ("date", record.date.isoformat()),
    ]
    return [(name, str(value)) for name, value in known if value != ""]
