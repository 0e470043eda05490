#!/usr/bin/env bash
# A virtual environment of its own for the libraries that the benchmarks compare with: .setup/peers (or the folder given).
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-.setup/peers}
[ -x "$folder/bin/python" ] || "${PYTHON:-python3}" -m venv "$folder"
"$folder/bin/pip" install --quiet "fastmob==0.3.*" "trackintel==1.4.*" polars pyarrow "tipg==1.6.*" uvicorn "esda==2.9.*" "pymannkendall==1.4.*"
echo "$folder/bin/python"
