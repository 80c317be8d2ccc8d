"""Verdicts about real convolutional networks, accepted by the stand-alone checker."""

import numpy as np
import onnx

import exactre


def test_two_exports_of_a_convolutional_network_are_the_same_function(models):
    a, b = (exactre.load(models / f"cifar_base_kw{part}.onnx") for part in ("", "_simp"))
    verdict = exactre.certify_equivalence(a, b)
    assert (verdict.status, verdict.method) == ("equivalent", "matching")
    exactre.check(verdict.certificate, a, b)


def test_the_last_bit_of_one_shared_weight_is_found(models, tmp_path):
    model = onnx.load(models / "cifar_base_kw.onnx")
    (tensor,) = (t for t in model.graph.initializer if t.name == "3")
    array = onnx.numpy_helper.to_array(tensor).copy()
    array.ravel().view(np.uint32)[17] ^= 1
    tensor.CopyFrom(onnx.numpy_helper.from_array(array, "3"))
    onnx.save(model, tmp_path / "mutant.onnx")
    a, b = exactre.load(models / "cifar_base_kw.onnx"), exactre.load(tmp_path / "mutant.onnx")
    verdict = exactre.certify_equivalence(a, b)
    assert verdict.status == "different"
    exactre.check(verdict.certificate, a, b)
