"""The toy method as a program: what a C++, Rust or JavaScript tool would do, in Python. An argument makes it misbehave."""

import json
import os
import sys
import time

import numpy as np
import toy


def read(value):
    if isinstance(value, dict):
        return np.array([float(entry) for entry in value["data"]]).reshape(value["shape"])
    return float(value) if isinstance(value, str) else value


def written(array):
    data = [x if np.isfinite(x) else str(x) for x in array.reshape(-1).tolist()]
    return {"dtype": array.dtype.name, "shape": list(array.shape), "data": data}


fault, count = (sys.argv + [""])[1], 0
for line in sys.stdin:
    request, count = json.loads(line), count + 1
    x = {name: read(value) for name, value in request["inputs"].items()}
    if fault == "chatty":
        print("loading weights")
    if fault == "deaf" or (fault == "slow" and count > 3):
        time.sleep(60)
    if fault == "dying" and count > 3:
        print("out of memory", file=sys.stderr)
        os._exit(3)
    if fault == "garbage" and count > 3:
        print("nan, nan", flush=True)
        continue
    if request["function"] == "softplus":
        s = toy.softplus(x["x"]) * (1.5 if fault == "wrong" else 1)
        answer = {"outputs": {"s": written(s)}}
    elif request["function"] == "dropout" and not 0 <= x["p"] < 1:
        answer = {"error": f"p must lie in [0, 1), got {x['p']}"}
    elif request["function"] == "dropout":
        answer = {"outputs": {"y": written(toy.dropout(**x))}}
    else:
        answer = {"unsupported": True}
    print(json.dumps(answer), flush=True)
    if fault == "twice":
        print(json.dumps(answer), flush=True)
