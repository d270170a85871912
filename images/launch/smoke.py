"""The libraries of this image start and do one small thing each; run once when the image is built."""

from importlib.util import find_spec

import boto3
import kubernetes
import obstore
import pydantic

job = kubernetes.client.V1Job(metadata=kubernetes.client.V1ObjectMeta(name="try"))
assert kubernetes.client.ApiClient().sanitize_for_serialization(job) == {"metadata": {"name": "try"}}
assert boto3.client("s3", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b").meta.region_name == "us-east-1"
assert not find_spec("numpy"), "a launcher computes nothing, and is small"
print(pydantic.VERSION, obstore.__name__, kubernetes.__version__)
