"""From a fine-tuned model to one for serving: static graph, ONNX, int8."""
