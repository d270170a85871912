"""A task from a command line of another version, recognised before anything is done."""

from pydantic import ValidationError

import components
from components.contract import fingerprints
from components.contract.base import Step
from components.contract.task import Task
from ernie_core.errors import BadInput
from ernie_core.wording import listed

_REMEDY = (
    "this image and the command line that sent the task are of different versions: build the images of the command "
    "line's version, and name their digests in the site file"
)


def check(task: Task) -> None:
    """BadInput if there is no such component here, or if it has other parameters or inputs, or does something else."""
    if not components.exists(task.component):
        raise BadInput(f"there is no component `{task.component}` here: {_REMEDY}")
    given = {*task.parameters, *(name for point in task.points for name in point["parameters"])}
    if unknown := sorted(given - components.find(task.component).model_fields.keys()):
        raise BadInput(f"{task.component} has no {listed((f'`{name}`' for name in unknown), 5)} here: {_REMEDY}")
    cls = components.find(task.component)
    if unknown := sorted(task.inputs.keys() - {port.name for port in cls.takes()}):
        raise BadInput(f"{task.component} takes no {listed((f'`{name}`' for name in unknown), 5)} here: {_REMEDY}")
    if task.work and task.work != fingerprints.digest(
        fingerprints.work(task.component, cls, None if task.best else step(task))
    ):
        raise BadInput(f"{task.component} makes something else here: {_REMEDY}")


def step(task: Task) -> Step:
    """The component with the task's parameters. BadInput if it cannot take them."""
    try:
        return components.find(task.component).model_validate(task.parameters)
    except ValidationError as error:
        first = error.errors()[0]
        what = f"{task.component}.{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise BadInput(f"{what}: {_REMEDY}") from error
