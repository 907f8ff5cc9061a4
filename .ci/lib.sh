# shellcheck shell=bash disable=SC2034 # results are left in variables
# The step runner and the pieces that run and deep share; sourced, not run.
#
# A step is a function step_NAME. It says its result in one line with figure,
# and its log is shown only when it fails; what must be seen either way goes to
# file descriptor 3. The first failure ends the run, and the last line printed
# always says which step that was.

set -euo pipefail
exec </dev/null 3>&1

cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
program=.ci/$(basename "$0")
current=start
partial=$*
job=
scratch=$(mktemp -d)

# GOWORK and GOFLAGS are fixed so that a developer's settings cannot change the
# verdict; version stamping would make every build depend on git's opinion of
# who owns the checkout.
export TMPDIR=$scratch LC_ALL=C GOWORK=off GOFLAGS=-buildvcs=false CGO_ENABLED=1

npm_folders() { find . -name .git -prune -o -name node_modules -prune -print | sort; }

# clean removes what the run made: its own files, and the packages that the
# tests of an example installed if the tree came without them.
clean() {
  if [[ -f $scratch/npm ]]; then
    npm_folders | comm -13 "$scratch/npm" - | while IFS= read -r folder; do
      rm -rf "$folder"
    done
  fi
  rm -rf "$scratch"
}

verdict() {
  local code=$?
  if [[ -n $job ]]; then
    kill -TERM -- "-$job" || true
    wait "$job" || true
  fi
  clean || true
  if ((code == 0)); then
    echo "$program: ok in ${SECONDS}s${partial:+ (only: $partial)}"
  else
    echo "$program: FAILED at $current"
  fi
}
trap verdict EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
  printf '%s\n' "$@"
  exit 1
}

figure() { printf '%s' "$*" >"$scratch/figure"; }

note() { printf '  %s\n' "$*" >&3; }

# run_steps runs each named step as a background job, in a process group of its
# own: errexit holds inside it, as it would not inside a condition, and a signal
# to this script ends it at once instead of after the step.
run_steps() {
  local step started code
  for step in "$@"; do
    current=$step started=$SECONDS code=0
    declare -F "step_$step" >/dev/null || fail "there is no step $step"
    : >"$scratch/figure"
    set -m
    "step_$step" >"$scratch/log" 2>&1 &
    job=$!
    set +m
    wait "$job" || code=$?
    job=
    if ((code != 0)); then
      cat "$scratch/log"
      exit 1
    fi
    printf '%-12s %4ds  %s\n' "$step" $((SECONDS - started)) "$(cat "$scratch/figure")"
  done
}

# files lists what a commit of this tree would hold.
files() {
  if [[ -e .git ]]; then
    git -c safe.directory='*' ls-files --cached --others --exclude-standard
  else
    find . -name node_modules -prune -o -type f -print | sed 's|^\./||'
  fi | sort -u | while IFS= read -r file; do
    [[ ! -f $file ]] || printf '%s\n' "$file"
  done
}

# modules lists the folder of every module, the root module first.
modules() {
  files | grep -E '(^|/)go\.mod$' | grep -v '/testdata/' | xargs -n 1 dirname | sort
}

# code_modules leaves out the one module that has no packages of its own.
code_modules() { modules | grep -vx internal/proof/tools; }

nested_modules() { code_modules | grep -vx . || true; }

# each calls a function with every line that the named list prints, and leaves
# their number in count. The list is taken first, so that a list that fails
# cannot pass for an empty one.
each() {
  local lines line
  lines=$("$1")
  count=0
  [[ -n $lines ]] || return 0
  while IFS= read -r line; do
    "$2" "$line"
    count=$((count + 1))
  done <<<"$lines"
}

# tool runs a command of internal/proof/tools inside another module.
tool() {
  local module=$1
  shift
  go -C "$module" tool -modfile="$root/internal/proof/tools/go.mod" "$@"
}

# tally runs the tests of one module verbosely and leaves their numbers in
# passed, failed and skipped, and what was skipped in skips.
tally() {
  local module=$1 out=$scratch/tally code=0
  shift
  go -C "$module" test -v "$@" >"$out" 2>&1 || code=$?
  passed=$(grep -Ec '^ *--- PASS: ' "$out" || true)
  failed=$(grep -Ec '^ *--- FAIL: ' "$out" || true)
  skipped=$(grep -Ec '^ *--- SKIP: ' "$out" || true)
  skips=$(grep -E -B 1 '^ *--- SKIP: ' "$out" || true)
  if ((code != 0)); then
    grep -Ev '^=== |^ *--- PASS: |^(ok|\?)[[:space:]]|coverage: ' "$out" || true
    fail "module $module: $passed passed, $failed failed"
  fi
  ((passed + skipped > 0)) || fail "module $module: no test ran"
}

# fuzz_targets_of prints "module package target" for each native fuzz target.
fuzz_targets_of() {
  local list=$scratch/list
  go -C "$1" test -list '^Fuzz' ./... >"$list" 2>&1 || fail "$(cat "$list")"
  awk -v module="$1" '
    /^Fuzz/ { names[++n] = $1 }
    $1 == "ok" { for (i = 1; i <= n; i++) print module, $2, names[i]; n = 0 }
  ' "$list" >>"$scratch/targets"
}

# deadline_race tells whether all that went wrong is that the fuzzing
# coordinator reported its own -fuzztime as an error: https://go.dev/issue/75804,
# mended in Go 1.27. A finding always names the input it failed on.
deadline_race() {
  local out=$1
  ! grep -qE 'Failing input written|failure while testing seed corpus|panic' "$out" &&
    [[ $(grep -A 1 -E '^--- FAIL: Fuzz' "$out" | sed 1d) == '    context deadline exceeded' ]]
}

# show_crasher prints the input that the fuzzer saved and takes it out of the
# tree again; the text is the whole file, so it can be saved where it was.
show_crasher() {
  local module=$1 package=$2 out=$3 dir path
  dir=$(go -C "$module" list -f '{{.Dir}}' "$package")
  sed -n 's/^ *Failing input written to //p' "$out" | while IFS= read -r path; do
    path=$dir/$path
    echo "--- ${path#"$root"/}"
    cat "$path"
    rm -f "$path"
    rmdir -p --ignore-fail-on-non-empty "$(dirname "$path")" || true
  done
}

# fuzz_run runs one target for a time and leaves in execs what it executed beyond
# its seeds. With the default of 60 s for each, shrinking the inputs that reach
# new code leaves a short run no time for anything else:
# https://go.dev/issue/48820.
fuzz_run() {
  local module=$1 package=$2 target=$3 time=$4 out=$scratch/fuzz seeds
  remark=
  if ! go -C "$module" test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x "$package" >"$out" 2>&1; then
    deadline_race "$out" || {
      cat "$out"
      show_crasher "$module" "$package" "$out"
      fail "$target of $package failed"
    }
    remark=', ended by the deadline race of go.dev/issue/75804'
  fi
  execs=$(sed -n 's/^fuzz: elapsed: .* execs: \([0-9]*\) .*/\1/p' "$out" | tail -n 1)
  fresh=$(sed -n 's/^fuzz: elapsed: .* new interesting: \([0-9]*\) .*/\1/p' "$out" | tail -n 1)
  seeds=$(sed -n 's|^fuzz: elapsed: .* \([0-9]*\)/[0-9]* completed, now fuzzing.*|\1|p' "$out")
  ! grep -q '^warning: starting with empty corpus' "$out" || seeds=0
  execs=$((${seeds:+${execs:-0} - seeds} + 0))
}

# fuzz_one gives a target more time where the seeds took all of it, as on a busy
# machine, and fails if that does not help either.
fuzz_one() {
  local module=$1 package=$2 target=$3 remark fresh
  fuzz_run "$module" "$package" "$target" "$FUZZTIME"
  ((execs > 0)) || fuzz_run "$module" "$package" "$target" $((4 * ${FUZZTIME%?}))"${FUZZTIME: -1}"
  ((execs > 0)) || {
    cat "$scratch/fuzz"
    fail "$target of $package executed nothing but its seeds"
  }
  note "$target: $execs executions, ${fresh:-0} new inputs$remark"
}

step_fuzz() {
  local module package target count total=0
  [[ $FUZZTIME =~ ^[0-9]+[smhx]$ ]] || fail "FUZZTIME is $FUZZTIME; write a number and s, m, h or x"
  : >"$scratch/targets"
  each code_modules fuzz_targets_of
  [[ -s $scratch/targets ]] || fail 'no fuzz target was found'
  count=0
  while read -r module package target; do
    fuzz_one "$module" "$package" "$target"
    count=$((count + 1)) total=$((total + execs))
  done <"$scratch/targets"
  figure "$count targets, $FUZZTIME each, $total executions"
}

# contrib_packages lists the folder of every package of contrib that a program can
# import.
contrib_packages() {
  local module
  for module in contrib/*/; do
    go -C "$module" list -f '{{.Dir}}' ./...
  done | grep -v /internal/ | sed "s|^$root/||"
}

# mutate switches off the conditions of the package in a folder. An adapter refuses by
# not running a handler, which cannot be told from other code, so there every condition
# counts.
mutate() {
  local folder=$1
  shift
  case ${folder#contrib/} in
    chi | echo | echov4 | fiber | gin | gorilla | huma | oapicodegen | ogen) set -- "$@" -every ;;
  esac
  echo "$folder:"
  go run ./internal/proof/mutants -dir "$folder" "$@" 2>&1 | tee -a "$scratch/mutants"
}

# mutated is the sum of what mutate has told in the last line of each run.
mutated() {
  figure "$(awk '
    /^mutants: [0-9]+ of [0-9]+ run, / { packages++; run += $2; all += $4; killed += $6; survived += $8; excepted += $10 }
    END { printf "%d of %d mutants run, %d killed, %d survived, %d excepted, in the root and %d packages of contrib", run, all, killed, survived, excepted, packages - 1 }
  ' "$scratch/mutants")"
}

# present looks for a command, or for the file that is named by its whole path.
present() { command -v "$1" >/dev/null || [[ -f $1 ]]; }

# need makes sure of a command or a file; on Debian, root gets it installed.
need() {
  local command=$1 packages=$2 advice=$3
  ! present "$command" || return 0
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a list of packages
    { apt-get -qq update && apt-get -qq install --yes --no-install-recommends $packages; } ||
      echo "apt-get could not install $packages"
    hash -r
  fi
  present "$command" || fail "$command is missing: $advice"
}

# oldest_node is the oldest Node.js that every package.json of the tree accepts.
oldest_node() {
  files | grep -E '(^|/)package\.json$' | xargs -r grep -hoE '"node": *">=[0-9.]+' | grep -oE '[0-9.]+$' | sort -V | tail -n 1
}

step_prepare() {
  local oldest node
  command -v go >/dev/null || fail "go is missing: install Go $(awk '$1 == "go" { print $2 }' go.mod) or newer (https://go.dev/dl/)"
  need gcc 'gcc libc6-dev' "install a C compiler (Debian: apt-get install gcc libc6-dev); go test -race needs one"
  need node 'nodejs npm' 'install Node.js and npm (Debian: apt-get install nodejs npm); examples are tested against npm packages'
  need npm npm 'install npm (Debian: apt-get install npm); examples are tested against npm packages'
  need nginx nginx-light 'install nginx (Debian: apt-get install nginx-light); proxies in front are tested with it'
  need haproxy haproxy 'install HAProxy (Debian: apt-get install haproxy); proxies in front are tested with it'
  need chromium chromium 'install Chromium (Debian: apt-get install chromium); the pages are tested in it'
  need redis-server redis-server 'install Redis (Debian: apt-get install redis-server); contrib/revocation is tested against it'
  need prometheus prometheus 'install Prometheus (Debian: apt-get install prometheus); the dashboard of examples/observability is tested against it'
  need promtool prometheus 'install Prometheus (Debian: apt-get install prometheus); its promtool tests the alert rules'
  [[ ! -e .git ]] || need git git 'install git; the tracked files are listed with it'
  node=$(node --version)
  oldest=$(oldest_node || true)
  [[ $(printf '%s\n' "${oldest:-0}" "${node#v}" | sort -V | head -n 1) == "${oldest:-0}" ]] ||
    fail "Node.js ${node#v} is too old: install Node.js $oldest or newer (https://nodejs.org/)"
  figure "$(go version | cut -d ' ' -f 3-), gcc $(gcc -dumpfullversion), Node.js ${node#v}, $(getconf _NPROCESSORS_ONLN) cores, $(modules | wc -l) modules"
}

# The README's test command, as a reader would type it, its output unfiltered.
step_test() {
  local count
  go test ./... 2>&1 | tee "$scratch/test" >&3
  count=$(grep -c '^ok' "$scratch/test") || fail 'no package has a test'
  figure "$count packages"
}

# scaled shows what the tests of internal/proof/scale have told.
scaled() {
  local lines
  sed -n 's/^ *scale_test\.go:[0-9]*: \(.*=[0-9].*\)/\1/p' "$scratch/verbose" >"$scratch/scaled"
  lines=$(wc -l <"$scratch/scaled")
  ((lines > 0)) || fail "$(cat "$scratch/verbose")" 'no test told how it grows'
  sed 's/^/  /' "$scratch/scaled" >&3
  figure "$lines sizes of pools, tokens, routes and revocations; at most $(grep -oE '[0-9]+ bytes a pool' "$scratch/scaled" | sort -n | tail -n 1)"
}

snapshot() {
  find . -name .git -prune -o -name node_modules -prune -o -type f -exec cksum {} + | sort -k 3
}

step_tree() {
  snapshot >"$scratch/after"
  if ! diff "$scratch/before" "$scratch/after" >"$scratch/changed"; then
    sed -n 's/^[<>] [0-9]* [0-9]* //p' "$scratch/changed" | sort -u
    fail 'these files changed during the run'
  fi
  figure "$(wc -l <"$scratch/after") files as they were"
}

snapshot >"$scratch/before"
npm_folders >"$scratch/npm"
