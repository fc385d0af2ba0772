#!/usr/bin/env bash
# Checks this clone on a machine with an NVIDIA GPU, in under ten minutes. See --help.
set -uo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

usage() {
  cat <<'TEXT'
usage: bash scripts/gpu-check.sh [options]

Checks this clone on a machine with an NVIDIA GPU, in under ten minutes:
  set-up    installs the CUDA packages (original/requirements-cuda.lock)
  doctor    both languages run on one TensorFlow library and see the GPU
  bench     training steps beside the original's, with their share of the card's matrix throughput
  data      generates zipped Icentia11k patients
  pretrain  trains on them and samples how busy the GPU is
  compare   the quick cases of all suites in GPU parity mode, in the time that is left

Options:
  --wheelhouse DIR  install Python packages from a folder of wheels (default: from PyPI)
  --job-dir DIR     folder for the logs and the report, created if missing (default: jobs/gpu-check)
  --dry-run         show the commands and exit
  -h, --help        show this text and exit

A step that fails does not stop the later ones, except set-up. The report is printed at the end and written to report.txt in the job folder.
Exits with 0 if every step passed, 1 if one failed or there was no time for it, 2 for a wrong command line.

Without a network, download the wheels elsewhere with the same version of Python, and copy node_modules too (docs/setup.md):
  pip download --require-hashes --only-binary :all: -r original/requirements-cuda.lock -d wheels
TEXT
}

wrong() {
  printf 'gpu-check: %s\nSee: bash scripts/gpu-check.sh --help\n' "$1" >&2
  exit 2
}

wheelhouse=''
dir=jobs/gpu-check
dry=''
while (($# > 0)); do
  case $1 in
    --wheelhouse | --job-dir)
      [[ -n ${2:-} ]] || wrong "$1 needs a folder"
      path=$2
      if [[ $path != /* ]]; then path=$here/$path; fi
      if [[ $1 == --wheelhouse ]]; then wheelhouse=$path; else dir=$path; fi
      shift 2
      ;;
    --dry-run)
      dry=1
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) wrong "unknown option: $1" ;;
  esac
done
if [[ -n $wheelhouse && ! -d $wheelhouse ]]; then wrong "--wheelhouse: $wheelhouse is not a directory"; fi

# Set-up takes the CUDA lock, and every process sees one card: the first that the user allows.
export ECG_TRANSPLANT_GPU=1
card=${CUDA_VISIBLE_DEVICES:-0}
card=${card%%,*}
export CUDA_VISIBLE_DEVICES=$card

# Each patient of 50 MB stands in for six.
made=4 patients=24
batch=256 steps=60 epochs=3

set_up=(node scripts/setup.mjs)
if [[ -n $wheelhouse ]]; then set_up+=(--wheelhouse "$wheelhouse"); fi
tool=(node bin/ecg-transplant.mjs)
doctor=("${tool[@]}" doctor)
compare=("${tool[@]}" compare --quick --gpu --job-dir "$dir/compare")
bench=("${tool[@]}" bench --rows "step,bfloat16" --rounds 2 --json "$dir/bench.json" --force)
data=("${tool[@]}" make-data --target "$dir/data" --sets icentia --forms zipped --patients "$made" --segments 12
  --samples 1048576 --seed 1)
pretrain=("${tool[@]}" pretrain --job-dir "$dir/job" --force --train "$dir/data/icentia/zipped" --task beat
  --patients "0-$((patients - 1))" --batch-size "$batch" --steps-per-epoch "$steps" --epochs "$epochs" --seed 1)
sample=(nvidia-smi -i "$card" "--query-gpu=timestamp,utilization.gpu,memory.used" "--format=csv,noheader,nounits" -lms 250)

if [[ -n $dry ]]; then
  printf 'ECG_TRANSPLANT_GPU=1 CUDA_VISIBLE_DEVICES=%s\n' "$card"
  for name in set_up doctor bench data sample pretrain compare; do
    declare -n command=$name
    printf '%q ' "${command[@]}"
    printf '\n'
  done
  exit 0
fi

if ! seen=$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader -i "$card" 2>&1); then
  printf 'gpu-check: nvidia-smi does not show card %s: %s\n' "$card" "$seen" >&2
  printf 'Install the NVIDIA driver. Without a GPU: npm run compare -- --quick\n' >&2
  exit 1
fi
mkdir -p "$dir" || exit 1

child='' sampler=''
# shellcheck disable=SC2329 # the trap calls it
stop() {
  # timeout passes the signal on to the command and its processes.
  if [[ -n $child ]]; then kill -TERM "$child" 2>/dev/null; fi
  if [[ -n $sampler ]]; then kill "$sampler" 2>/dev/null; fi
  child='' sampler=''
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

readonly total=590
lines=("Card: $seen")
failed=''

# step NAME SECONDS COMMAND…: runs a command with its output in NAME.log, for at most so long, and notes how it ended.
step() {
  local name=$1 limit=$2 begun=$SECONDS code
  shift 2
  if ((limit > total - SECONDS)); then limit=$((total - SECONDS)); fi
  if ((limit < 5)); then
    note "$name" FAIL 0 'no time was left'
    return 1
  fi
  printf '%s …\n' "$name"
  timeout --kill-after=15 "$limit" "$@" >"$dir/$name.log" 2>&1 &
  child=$!
  wait "$child"
  code=$?
  child=''
  case $code in
    0) note "$name" ok $((SECONDS - begun)) '' ;;
    124 | 137) note "$name" FAIL $((SECONDS - begun)) "stopped after $limit s; see $dir/$name.log" ;;
    *) note "$name" FAIL $((SECONDS - begun)) "exit code $code; see $dir/$name.log" ;;
  esac
  return "$code"
}

# note NAME VERDICT SECONDS TEXT
note() {
  local line
  line=$(printf '%-4s  %-8s  %3d s  %s' "$2" "$1" "$3" "$4")
  if [[ $2 == FAIL ]]; then failed=1; fi
  lines+=("$line")
  printf '%s\n' "$line"
}

# figures NAME ARGUMENT…: adds what gpu_report.mjs reads from the files of a step, or a failure.
figures() {
  local name=$1 text
  shift
  if text=$(node scripts/lib/gpu_report.mjs "$@" 2>&1); then
    while IFS= read -r line; do lines+=("      $line"); done <<<"$text"
  else
    note "$name" FAIL 0 "$text"
  fi
}

finish() {
  lines+=('')
  if [[ -n $failed ]]; then lines+=('Something failed.'); else lines+=('Everything passed.'); fi
  printf '\n'
  printf '%s\n' "${lines[@]}" | tee "$dir/report.txt"
  if [[ -n $failed ]]; then exit 1; fi
  exit 0
}

if ! step set-up 240 "${set_up[@]}"; then finish; fi

if step doctor 60 "${doctor[@]}"; then
  if ! grep -Eq 'Python sees [1-9][0-9]*, Node [1-9]' "$dir/doctor.log"; then
    note doctor FAIL 0 "a side does not see the GPU; see $dir/doctor.log"
  fi
fi

if step bench 100 "${bench[@]}"; then figures bench bench "$dir/bench.json"; fi

rm -rf "$dir/data"
if step data 90 "${data[@]}"; then
  for ((id = made; id < patients; id++)); do
    for ending in .pkl.gz _lbls.pkl.gz; do
      ln "$(printf '%s/data/icentia/zipped/%05d_batched%s' "$dir" $((id % made)) "$ending")" \
        "$(printf '%s/data/icentia/zipped/%05d_batched%s' "$dir" "$id" "$ending")"
    done
  done
  "${sample[@]}" >"$dir/gpu.csv" 2>"$dir/gpu.log" &
  sampler=$!
  step pretrain 120 "${pretrain[@]}"
  code=$?
  kill "$sampler" 2>/dev/null
  wait "$sampler" 2>/dev/null
  sampler=''
  if ((code == 0)); then figures pretrain use "$dir/gpu.csv" "$dir/job/events.jsonl" $((batch * steps)); fi
fi
rm -rf "$dir/data"

# The longest step, so that the others never wait for it.
step compare "$total" "${compare[@]}"

finish
