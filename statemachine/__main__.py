"""Write the definitions that AWS takes: `python -m statemachine`."""

from pathlib import Path

from statemachine import publish_model, retrain_model
from statemachine.layout import to_json

FOLDER = Path(__file__).parent
DEFINITIONS = {
    "publish_model.asl.json": publish_model.DEFINITION,
    "retrain_model.asl.json": retrain_model.DEFINITION,
}


def main() -> None:
    """Write each definition beside its source."""
    for name, definition in DEFINITIONS.items():
        (FOLDER / name).write_text(to_json(definition))


if __name__ == "__main__":
    main()
