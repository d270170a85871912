"""A small ERNIE of PaddleNLP in a static graph, saved in every way: `python -m tests.support.static_peer FOLDER`."""

import json
import sys
from pathlib import Path

import numpy as np


def main(out: Path) -> None:
    import paddle
    from paddlenlp.transformers import ErnieConfig, ErnieForPretraining

    config = {
        "vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
        "max_position_embeddings": 16, "type_vocab_size": 2, "use_task_id": True,
    }  # fmt: skip
    paddle.enable_static()
    paddle.seed(1)
    program, startup = paddle.static.Program(), paddle.static.Program()
    with paddle.static.program_guard(program, startup):
        paddle.nn.Linear(3, 3)  # so that the numbers of linear layers begin at 1
        net = ErnieForPretraining(ErnieConfig(**config))
        net.eval()
        inputs = [paddle.static.data(name, [-1, 7], "int64") for name in ("input_ids", "token_type_ids")]
        outputs = net(*inputs)
    used = [
        variable
        for variable in program.list_vars()
        if variable.persistable and not variable.name.startswith("linear_0")
    ]
    machine = paddle.static.Executor()
    machine.run(startup)
    scope, draw = paddle.static.global_scope(), np.random.default_rng(0)
    for variable in used:  # biases and norms begin at 0 and 1, which would hide mistakes
        scope.find_var(variable.name).get_tensor().set(
            draw.normal(0, 0.3, variable.shape).astype("float32"), paddle.CPUPlace()
        )
    ids = np.array([[1, 7, 8, 9, 2, 0, 0], [1, 5, 2, 6, 7, 8, 2]])
    types = np.array([[0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1, 1]])
    found = machine.run(program, feed={"input_ids": ids, "token_type_ids": types}, fetch_list=list(outputs))
    for form in ("saved", "variables", "inference"):
        (out / form).mkdir()
        (out / form / "ernie_config.json").write_text(json.dumps(config | {"hidden_act": "gelu"}))
    for name in [variable.name for variable in program.list_vars() if variable.name.startswith("linear_0.")]:
        program.global_block()._remove_var(name)
    paddle.static.save(program, str(out / "saved" / "static_vars"))
    paddle.static.io.save_vars(machine, str(out / "variables"), program, vars=used)
    paddle.static.save_inference_model(
        str(out / "inference" / "model"), inputs, list(outputs), machine, program=program
    )
    np.savez(out / "logits.npz", ids=ids, types=types, words=found[0], order=found[1])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
