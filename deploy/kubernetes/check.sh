#!/bin/sh
# Renders the base as `kubectl apply -k` does and validates every resource. Needs no cluster, and the network only to
# install kubectl if it is missing.
#
#   deploy/kubernetes/check.sh [path of kubernetes-validate]
set -eu
validate=${1:-kubernetes-validate}
here=$(cd "$(dirname "$0")" && pwd)

install_kubectl() {
  echo "no kubectl: installing Debian's kubernetes-client" >&2
  if ! command -v apt-get >/dev/null; then
    echo "kubectl is missing, and this is not Debian: install it and run this again" >&2
    exit 1
  fi
  if [ "$(id -u)" -eq 0 ]; then as_root=""
  elif sudo -n true 2>/dev/null; then as_root="sudo -n"
  else
    echo "kubectl is missing: run  sudo apt-get install kubernetes-client  and then this again" >&2
    exit 1
  fi
  $as_root apt-get update -qq
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends kubernetes-client >/dev/null
}

command -v kubectl >/dev/null || install_kubectl

rendered=$(mktemp)
trap 'rm -f "$rendered" "$rendered.report"' EXIT
kubectl kustomize "$here/base" >"$rendered"

# The oldest and the newest Kubernetes that the base is meant for. The tool only warns about an unknown kind; here
# that is an error.
status=0
"$validate" -k 1.30 -k 1.37 --strict "$rendered" "$here/base/secret.example.yaml" >"$rendered.report" || status=$?
grep -v '^INFO' "$rendered.report" && status=1
[ "$status" -eq 0 ] || exit 1
echo "ok -- $(grep -c '^INFO.* against version 1.37' "$rendered.report") Kubernetes resources are valid"
