"""A model behind TorchServe: the handler that goes into its `.mar`."""

import base64
from typing import Any

import torch
from tutorials_way import image_to_tensor


class Handler:
    """Answers `{"input": numbers}` or `{"image": base64}`."""

    def initialize(self, context: Any) -> None:
        folder, name = context.system_properties["model_dir"], context.manifest["model"]["serializedFile"]
        self.model = torch.jit.load(f"{folder}/{name}", map_location="cpu").eval()

    def handle(self, requests: list[dict[str, Any]], _context: Any) -> list[dict[str, Any]]:
        return [self._answer(request.get("body") or request.get("data")) for request in requests]

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        with torch.inference_mode():
            if "image" in request:
                output = self.model(image_to_tensor(base64.b64decode(request["image"])))
                confidence, index = torch.softmax(output[0], 0).max(0)
                return {"class": int(index), "confidence": float(confidence)}
            return {"output": self.model(torch.tensor(request["input"], dtype=torch.float32)).tolist()}
