"""Worked examples, printed to 10 decimals: four steps of every optimizer from w_0 = (1, -2, 0.5) along fixed gradients.

Every row was computed in 50-digit decimal arithmetic.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.laws.avagrad.cases import ADAGRAD, ADAM, ADAMW, AMSGRAD, AVAGRAD, AVAGRADW, DELAYED_ADAM, RMSPROP, SGD
from minidl.laws.core import Golden
from minidl.laws.optimizer_cases import Trajectory

START = np.array([1.0, -2.0, 0.5])
GRADIENTS = np.array([[0.1, -0.2, 0.3], [0.2, 0.1, -0.3], [-0.1, 0.4, 0.05], [0.3, -0.3, 0.2]])
FALLING = np.array([[0.02, -0.2, 2.0], [-0.01, 0.1, -3.0], [0.03, 0.4, 0.5], [0.01, -0.3, 0.1]])

_SGD = dict(momentum=0.0, dampening=0.0, nesterov=False)
_RMSPROP = dict(alpha=0.99, eps=1e-8, momentum=0.0, centered=False)
_ADAM = dict(beta1=0.9, beta2=0.999, eps=1e-8)
_AVAGRAD = dict(sizes=(2, 1), beta1=0.9, beta2=0.999, eps=0.1)


def _printed(run: Trajectory, note: str, rows: str, *, gradients: np.ndarray = GRADIENTS, **numbers: Any) -> Golden:
    values = {"w": START, "gradients": gradients, "lr": np.full(4, 0.1), "weight_decay": 0.0} | numbers
    trajectory = np.array([[float(x) for x in row.split()] for row in rows.strip().splitlines()])
    return Golden(run.function, {name: values[name] for name in run.inputs}, {"trajectory": trajectory}, 10, note)


PRINTED: tuple[Golden, ...] = (
    _printed(
        SGD,
        "plain descent",
        """
        0.9900000000 -1.9800000000 0.4700000000
        0.9700000000 -1.9900000000 0.5000000000
        0.9800000000 -2.0300000000 0.4950000000
        0.9500000000 -2.0000000000 0.4750000000
        """,
        **_SGD,
    ),
    _printed(
        SGD,
        "momentum 0.9",
        """
        0.9900000000 -1.9800000000 0.4700000000
        0.9610000000 -1.9720000000 0.4730000000
        0.9449000000 -2.0048000000 0.4707000000
        0.9004100000 -2.0043200000 0.4486300000
        """,
        **(_SGD | dict(momentum=0.9)),
    ),
    _printed(
        SGD,
        "momentum and dampening 0.9: none on the first step",
        """
        0.9900000000 -1.9800000000 0.4700000000
        0.9790000000 -1.9630000000 0.4460000000
        0.9701000000 -1.9517000000 0.4239000000
        0.9590900000 -1.9385300000 0.4020100000
        """,
        **(_SGD | dict(momentum=0.9, dampening=0.9)),
    ),
    _printed(
        SGD,
        "Nesterov momentum 0.9, decay 0.01",
        """
        0.9791000000 -1.9582000000 0.4420500000
        0.9303297100 -1.9556594200 0.4735051050
        0.9225500126 -2.0184195251 0.4648128848
        0.8486327366 -1.9798287161 0.4230328967
        """,
        **(_SGD | dict(momentum=0.9, nesterov=True, weight_decay=0.01)),
    ),
    _printed(
        RMSPROP,
        "no bias correction: the first move is ten times the learning rate",
        """
        0.0000010000 -1.0000005000 -0.4999996667
        -0.8953215613 -1.4490135535 0.2088813708
        -0.4850202134 -2.3237530292 0.0909676921
        -1.2627155166 -1.7732832577 -0.3373744348
        """,
        **_RMSPROP,
    ),
    _printed(
        RMSPROP,
        "centred, momentum 0.9",
        """
        -0.0050368052 -0.9949626898 -0.5050374786
        -1.8130222050 -0.5398775060 -0.7006899936
        -3.0285743538 -1.0069667187 -0.9946981889
        -4.9067243375 -0.8768772387 -1.6882461529
        """,
        **(_RMSPROP | dict(momentum=0.9, centered=True)),
    ),
    _printed(
        ADAGRAD,
        "the plain form",
        """
        0.9000000001 -1.9000000000 0.4000000000
        0.8105572810 -1.9447213596 0.4707106781
        0.8513821101 -2.0320085157 0.4590065634
        0.7739224432 -1.9772362599 0.4166066482
        """,
        **dict(lr_decay=0.0, initial_accumulator=0.0, eps=1e-10),
    ),
    _printed(
        ADAM,
        "the plain form",
        """
        0.9000000100 -1.9000000050 0.4000000033
        0.8034818135 -1.8733663027 0.4052631611
        0.7614728861 -1.9190994800 0.4018213112
        0.6946904109 -1.9185899499 0.3746036320
        """,
        **_ADAM,
    ),
    _printed(
        ADAM,
        "coupled decay 0.1",
        """
        0.9000000050 -1.9000000025 0.4000000029
        0.8007033204 -1.8182875547 0.3906100289
        0.7276800081 -1.7925703065 0.3707037295
        0.6443580765 -1.7361619455 0.3289658732
        """,
        **(_ADAM | dict(weight_decay=0.1)),
    ),
    _printed(
        ADAM,
        "a second moment that falls, beside AMSGrad's",
        """
        0.9000000500 -1.9000000050 0.4000000005
        0.8702271540 -1.8702270900 0.4233225987
        0.8141871901 -1.9085011505 0.4351297140
        0.7449375136 -1.9080475114 0.4450222581
        """,
        **(_ADAM | dict(beta2=0.5, gradients=FALLING)),
    ),
    _printed(
        AMSGRAD,
        "a second moment that falls, where it differs from Adam",
        """
        0.9000000500 -1.9000000050 0.4000000005
        0.8742159632 -1.8742159040 0.4233225987
        0.8181759994 -1.9124899645 0.4318591289
        0.7647487073 -1.9120363254 0.4369253550
        """,
        **(_ADAM | dict(beta2=0.5, gradients=FALLING)),
    ),
    _printed(
        ADAMW,
        "decoupled decay 0.1",
        """
        0.8900000100 -1.8800000050 0.3950000033
        0.7845818134 -1.8345663027 0.3963131610
        0.7347270679 -1.8619538169 0.3889081795
        0.6605973220 -1.8428247487 0.3578014185
        """,
        **(_ADAM | dict(weight_decay=0.1)),
    ),
    _printed(
        DELAYED_ADAM,
        "the first rate is 1 / eps",
        """
        0.9900000000 -1.9800000000 0.4700000000
        0.9679673391 -1.9750994071 0.4715395011
        0.9584967509 -1.9946437731 0.4705428246
        0.9328618864 -1.9944453567 0.4607365501
        """,
        **(_ADAM | dict(beta2=0.9, eps=0.1)),
    ),
    _printed(
        AVAGRAD,
        "the paper's form",
        """
        0.9990000000 -1.9980000000 0.4970000000
        0.9960137493 -1.9972007078 0.4972910774
        0.9943737687 -2.0005418525 0.4970698969
        0.9897576790 -2.0004949844 0.4948961622
        """,
        **(_AVAGRAD | dict(variant="paper")),
    ),
    _printed(
        AVAGRAD,
        "the released form: the first step rests, the second is scaled by eps",
        """
        1.0000000000 -2.0000000000 0.5000000000
        0.9923684211 -1.9985964912 0.5003947368
        0.9872944081 -2.0089355115 0.4999269534
        0.9736827702 -2.0088382844 0.4952235064
        """,
        **(_AVAGRAD | dict(variant="released")),
    ),
    _printed(
        AVAGRAD,
        "the released form, coupled decay 0.1",
        """
        1.0000000000 -2.0000000000 0.5000000000
        0.9915789474 -1.9951578947 0.4992397661
        0.9779093479 -1.9890197850 0.4948277668
        0.9534226409 -1.9708220096 0.4842197918
        """,
        **(_AVAGRAD | dict(variant="released", weight_decay=0.1)),
    ),
    _printed(
        AVAGRAD,
        "the released form with eps = 0: two steps rest",
        """
        1.0000000000 -2.0000000000 0.5000000000
        1.0000000000 -2.0000000000 0.5000000000
        0.9960551649 -2.0080390953 0.4997029396
        0.9824984907 -2.0079609372 0.4958460124
        """,
        **(_AVAGRAD | dict(variant="released", eps=0.0)),
    ),
    _printed(
        AVAGRAD,
        "the normaliser of the same step",
        """
        1.0000000000 -2.0000000000 0.5000000000
        0.9796908682 -1.9962649873 0.5010504723
        0.9730718503 -2.0097521742 0.5004402518
        0.9569156046 -2.0096367710 0.4948575258
        """,
        **(_AVAGRAD | dict(variant="synced")),
    ),
    _printed(
        AVAGRADW,
        "the released form, decoupled decay 0.1",
        """
        1.0000000000 -2.0000000000 0.5000000000
        0.9823684211 -1.9785964912 0.4953947368
        0.9674707239 -1.9691495466 0.4899730061
        0.9441843788 -1.9493608240 0.4803698290
        """,
        **(_AVAGRAD | dict(variant="released", weight_decay=0.1)),
    ),
)


def printed_for(run: Trajectory) -> tuple[Golden, ...]:
    """The worked examples of one optimizer."""
    return tuple(example for example in PRINTED if example.function == run.function)
