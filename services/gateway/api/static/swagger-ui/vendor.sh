#!/bin/sh
# Downloads the files of Swagger UI that /docs needs: vendor.sh VERSION. Needs npm and its registry.
set -eu
version=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm pack --silent "swagger-ui-dist@$version"
tar -xzf "swagger-ui-dist-$version.tgz"
for file in swagger-ui-bundle.js swagger-ui-bundle.js.LICENSE.txt swagger-ui.css favicon-32x32.png LICENSE NOTICE; do
    cp "package/$file" "$here/$file"
done
sed -i "s/[0-9][0-9]*\.[0-9][0-9]*\.[0-9][0-9]*/$version/g" "$here/README.md"
