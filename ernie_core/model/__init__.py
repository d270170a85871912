"""The nets: ERNIE on paddle.nn with PaddleNLP's parameter names, and their files."""
