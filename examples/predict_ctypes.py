"""predict_ctypes.py MODEL [LIBRARY]: two rows through a saved model, from Python's standard library alone."""

import ctypes
import math
import sys
from ctypes import POINTER, byref, c_char_p, c_float, c_size_t, c_uint64, c_void_p


class Options(ctypes.Structure):
    _fields_ = [("samples", c_size_t), ("seed", c_uint64), ("row0", c_uint64)]


class Prediction(ctypes.Structure):
    _fields_ = [(name + more, kind) for name in ("mean", "epistemic", "aleatoric")
                for more, kind in (("", POINTER(c_float)), ("_size", c_size_t))]


def call(name, *arguments):
    """Calls a function of the library that returns a status; an error becomes an exception."""
    if getattr(library, name)(*arguments):
        raise RuntimeError(library.scalemix_last_error().decode())


def count(name, model):
    number = c_size_t()
    call("scalemix_model_" + name, model, byref(number))
    return number.value


library = ctypes.CDLL(sys.argv[2] if len(sys.argv) > 2 else "libscalemix_c.so.0.1")
library.scalemix_last_error.restype = c_char_p
model, context, rows = c_void_p(), c_void_p(), 2
call("scalemix_model_load", sys.argv[1].encode(), byref(model))
call("scalemix_context_new", model, byref(context))  # one per thread
width, outputs, parts = (count(name, model) for name in ("inputs", "outputs", "uncertainties"))

x = (c_float * (rows * width))(*[0.5] * (rows * width))  # float("nan") where a number is missing
mean = (c_float * (rows * outputs))()
epistemic, aleatoric = (c_float * (rows * parts))(), (c_float * (rows * parts))()
call("scalemix_predict", context, x, c_size_t(len(x)), c_size_t(rows), byref(Options(samples=100)),
     byref(Prediction(mean, len(mean), epistemic, len(epistemic), aleatoric, len(aleatoric))))
for row in range(rows):
    sd = math.sqrt(aleatoric[row * parts] + epistemic[row * parts])
    print(f"{mean[row * outputs]:.3f}, sd {sd:.4f}")
library.scalemix_context_free(context)
library.scalemix_model_free(model)
