"""Reads ``result.json`` of the TensorFlow test. Pure: text in, checked numbers out."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class ResultError(ValueError):
    """The result lacks something that a finished run writes."""


@dataclass(frozen=True)
class Operations:
    """Results of the operations in one precision, flattened in row-major order."""

    matmul: tuple[float, ...]
    convolution: tuple[float, ...]
    softmax: tuple[float, ...]


@dataclass(frozen=True)
class Gradients:
    """Loss of the small classifier and its derivatives, flattened."""

    loss: float
    kernel: tuple[float, ...]
    weights: tuple[float, ...]
    bias: tuple[float, ...]


@dataclass(frozen=True)
class TrainingResult:
    """What the training left; seconds by epoch, loss by epoch."""

    loss: tuple[float, ...]
    loss_check: float
    #: Hidden weights (inputs x hidden) and biases, output weights and bias, flattened.
    weights: tuple[tuple[float, ...], ...]
    digest: str
    epoch_seconds: tuple[float, ...]
    loss_again: tuple[float, ...]
    digest_again: str


@dataclass(frozen=True)
class Result:
    """Everything a run of the program writes."""

    nonce: str
    version: str
    #: Kinds of devices on which the results lie.
    devices: tuple[str, ...]
    threads: int
    cpus: int
    start_up: float
    float32: Operations
    float64: Operations
    gradients: Gradients
    training: TrainingResult


def flat(value: Any, name: str) -> tuple[float, ...]:
    """Flatten nested lists of finite numbers; ResultError names what is not one."""
    if isinstance(value, list):
        return tuple(number for part in value for number in flat(part, name))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ResultError(f'{name} holds {value!r}, which is not a number')
    if not math.isfinite(value):
        raise ResultError(f'{name} holds {value}')
    return (float(value),)


def _number(value: Any, name: str) -> float:
    (number,) = flat([value], name)
    return number


def _operations(row: Any, name: str) -> Operations:
    return Operations(*(flat(row[k], f'{k} in {name}') for k in Operations.__match_args__))


def _training(row: Any, again: Any) -> TrainingResult:
    weights: Sequence[Any] = row['weights']
    written = hashlib.sha256(json.dumps(weights).encode()).hexdigest()
    if written != row['digest']:
        raise ResultError('the weights do not have the digest that was written with them')
    return TrainingResult(
        loss=flat(row['loss'], 'loss of the training'),
        loss_check=_number(row['loss_check'], 'loss of the check'),
        weights=tuple(flat(w, 'weights of the training') for w in weights),
        digest=str(row['digest']),
        epoch_seconds=flat(row['epoch_seconds'], 'seconds of the epochs'),
        loss_again=flat(again['loss'], 'loss of the second training'),
        digest_again=str(again['digest']),
    )


def parse_result(text: str) -> Result:
    """Parse ``result.json``.

    :raises ResultError: if something is missing, not a number, or not finite.
    """
    try:
        data = json.loads(text)
        row = data['gradients']
        return Result(
            nonce=str(data['nonce']),
            version=str(data['version']),
            devices=tuple(data['devices']),
            threads=int(data['threads']),
            cpus=int(data['cpus']),
            start_up=_number(data['start_up'], 'start_up'),
            float32=_operations(data['float32'], 'float32'),
            float64=_operations(data['float64'], 'float64'),
            gradients=Gradients(
                _number(row['loss'], 'loss of the classifier'),
                *(flat(row[k], f'gradient of {k}') for k in ('kernel', 'weights', 'bias')),
            ),
            training=_training(data['training'], data['again']),
        )
    except ResultError:
        raise
    except KeyError as missing:
        raise ResultError(f'result.json has no {missing}') from missing
    except (ValueError, TypeError) as broken:
        raise ResultError(f'result.json cannot be read: {broken}') from broken
