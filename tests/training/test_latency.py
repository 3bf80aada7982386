"""Timing the published models into their records."""

from __future__ import annotations

from skinmodels import weights
from training import latency


def test_latency_stands_in_the_record(own_weights, capsys):
    before = weights.read_record("ham_cnn28")
    assert latency.main(["ham_cnn28", "--rounds", "3"]) == 0
    after = weights.read_record("ham_cnn28")
    assert after.latency is not None
    assert 0 < after.latency.compiled_ms < after.latency.p50_ms * 2
    assert after.latency.cores >= 1
    assert after.content() | {"latency": None} == before.content() | {"latency": None}
    assert "ham_cnn28" in capsys.readouterr().out


def test_an_unknown_model_is_one_sentence(capsys):
    assert latency.main(["nothing"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
