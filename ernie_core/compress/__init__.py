"""From a fine-tuned model to one that is served: static graph, ONNX, int8."""
