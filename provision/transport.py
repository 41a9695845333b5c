"""The errors by which a server says that it is not there yet: the only ones that waiting retries."""

from __future__ import annotations

from typing import Final

import httpx
import psycopg
import redis
import urllib3
from minio.error import MinioException
from pika.exceptions import AMQPError
from requests import RequestException

TRANSIENT: Final[tuple[type[Exception], ...]] = (
    OSError,
    httpx.HTTPError,
    psycopg.OperationalError,
    redis.RedisError,
    urllib3.exceptions.HTTPError,
    MinioException,
    AMQPError,
    RequestException,
)
# What a server may answer while it is being configured; waiting does not help, its words do.
REFUSED: Final[tuple[type[Exception], ...]] = (*TRANSIENT, psycopg.Error)
