"""A model behind LitServe as its documentation shows it: `python serve_litserve.py MODEL PORT`."""

import base64
import sys
from typing import Any

import litserve
import torch
from tutorials_way import image_to_tensor


class Api(litserve.LitAPI):
    """Answers `{"input": numbers}` or `{"image": base64}`."""

    def setup(self, device: str) -> None:
        self.model = torch.jit.load(sys.argv[1], map_location=device).eval()

    def decode_request(self, request: dict[str, Any]) -> torch.Tensor:
        if "image" in request:
            return image_to_tensor(base64.b64decode(request["image"]))
        return torch.tensor(request["input"], dtype=torch.float32)

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return self.model(x)

    def encode_response(self, output: torch.Tensor) -> dict[str, Any]:
        if output.shape[1] < 1000:  # noqa: PLR2004 (the small net's)
            return {"output": output.tolist()}
        confidence, index = torch.softmax(output[0], 0).max(0)
        return {"class": int(index), "confidence": float(confidence)}


if __name__ == "__main__":
    server = litserve.LitServer(Api(), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False, log_level="error")
