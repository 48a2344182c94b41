#!/usr/bin/env bash
# Installs what report.mjs needs: Chromium from Debian, playwright-core from npm, beside this file.
set -euo pipefail
cd "$(dirname "$0")"
if ! command -v chromium >/dev/null; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi
[ -d node_modules/playwright-core ] || npm install --silent --no-audit --no-fund --no-package-lock
