# shellcheck shell=bash
# Sourced by tools/quickstart and tools/test: sets a build folder up, or brings it up to date, and
# builds. They set $root, the source tree.

# build_in FOLDER [meson setup argument ...]
build_in() {
    local folder=$1 source
    shift
    if [ -f "$folder/meson-info/meson-info.json" ]; then
        # A folder that was set up for another place (a checkout that was copied or moved) is of no use.
        source=$(python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["directories"]["source"])' \
            "$folder/meson-info/meson-info.json" 2>/dev/null) || source=
        if [ "$source" != "${root:?}" ] || [ ! -f "$folder/build.ninja" ]; then
            rm -rf "$folder"
        fi
    elif [ -d "$folder" ]; then
        rm -rf "$folder/meson-private" "$folder/meson-info" # a set-up that failed half way
    fi
    if [ -f "$folder/build.ninja" ]; then
        # Again, as a Python may have come or gone since.
        meson setup --reconfigure "$folder" "$root" "$@" </dev/null || return 1
    else
        meson setup "$folder" "$root" "$@" </dev/null || return 1
    fi
    meson compile -C "$folder" </dev/null
}
