"""The demo: recover a trained network from exact queries alone, prove it, and have the proof checked.

python examples/demo.py [MODEL]
"""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import exactre

HERE = Path(__file__).parent
CHECKER = HERE.parent / "exactre" / "check.py"


def main(model: Path) -> int:
    """Run the demo on a model; exit code 0 when the recovery is certified and the checker accepts."""
    net = exactre.load(model)
    print(f"{model.name}: {net}, {net.parameters:,} parameters; recovery sees its exact answers alone")
    result = exactre.recover(net)
    print(f"{result.status}: hidden layers {'-'.join(map(str, result.layers))} found by")
    print(f"  {result.queries:,} queries of {result.query_bits:,} bits in all, in {result.seconds:.1f} s;")
    print(f"  {result.equivalence_queries} witnesses were handed back by the equivalence proof")
    for line in result.missing:
        print(f"  missing: {line}")
    if result.certificate is None:
        return 3
    with TemporaryDirectory() as folder:
        target, found, proof = (Path(folder) / name for name in ("a.json", "b.json", "certificate.json"))
        exactre.save(net, target)
        exactre.save(result.network, found)
        proof.write_text(result.certificate.dumps())
        start = time.perf_counter()
        command = [sys.executable, "-I", CHECKER, proof, target, found]
        verdict = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
        print(f"certificate: {proof.stat().st_size:,} bytes that claim equality on all of R^{net.input_dim}")
    print(f"stand-alone checker: {verdict.stdout.split()[0]}, in {seconds:.2f} s")
    return verdict.returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "digits.onnx"))
