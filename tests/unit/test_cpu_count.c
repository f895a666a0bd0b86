/* CPU quotas of control groups, from a tree of files that stands for the system's. */
#include "tests/unit/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cpu_count.h"

static char root[] = "/tmp/pycompiled-test-cpu-XXXXXX";

/* Writes a file below the root, and makes its folders. */
static void put(const char *path, const char *text) {
    char *whole = xasprintf("%s%s", root, path);
    for (char *slash = strchr(whole + sizeof root, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        assert_true(mkdir(whole, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    free(whole);
}

static void clear(void) {
    char *command = xasprintf("rm -rf %s/*", root);
    assert_int_equal(system(command), 0);
    free(command);
}

static unsigned quota_with(const char *groups, const char *mounts) {
    put("/proc/self/cgroup", groups);
    put("/proc/self/mountinfo", mounts);
    return cpu_count_quota(root);
}

#define V2 "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1 "31 23 0:26 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 master:2 - cgroup cgroup rw,cpu,cpuacct\n"
#define OTHERS                                                                                                         \
    "23 1 8:1 / / rw - ext4 /dev/sda1 rw\n"                                                                            \
    "32 23 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"                                                \
    "33 23 0:28 / /mnt/a\\040b rw - tmpfs none rw\n"

static void test_version_2(void **state) {
    static const struct {
        const char *max;
        unsigned cpus;
    } cases[] = {
        {"max 100000\n", 0},
        {"200000 100000\n", 2},
        {"150000 100000\n", 2},
        {"1 100000\n", 1},
        {"", 0},
        {"100000", 0},
        {"100000 0\n", 0},
        {"-5 100000\n", 0},
        {"nonsense\n", 0},
        {"50000 100000\n", 1},
        {"9223372036854775807 1\n", 2147483647},
    };
    clear();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("/sys/fs/cgroup/a.slice/b.scope/cpu.max", cases[i].max);
        assert_int_equal(quota_with("0::/a.slice/b.scope\n", OTHERS V2), cases[i].cpus);
    }
}

static void test_parents(void **state) {
    clear();
    put("/sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n");
    put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/a/cpu.max", "300000 100000\n");
    put("/sys/fs/cgroup/cpu.max", "400000 100000\n"); /* in a container, where it is not the real root */
    assert_int_equal(quota_with("0::/a/b/c\n", V2), 3);
    assert_int_equal(quota_with("0::/a/b\n", V2), 3);
    assert_int_equal(quota_with("0::/a\n", V2), 3);
    assert_int_equal(quota_with("0::/\n", V2), 4);
    assert_int_equal(quota_with("0::/not/there\n", V2), 4);
    put("/sys/fs/cgroup/a/b/c/cpu.max", "100000 100000\n");
    assert_int_equal(quota_with("0::/a/b/c\n", V2), 1);
}

static void test_version_1(void **state) {
    clear();
    const char *groups = "12:cpuset:/x\n5:cpu,cpuacct:/docker/ab\n1:name=systemd:/docker/ab\n0::/\n";
    put("/sys/fs/cgroup/cpu,cpuacct/docker/ab/cpu.cfs_quota_us", "250000\n");
    assert_int_equal(quota_with(groups, OTHERS V1), 0); /* without a period */
    put("/sys/fs/cgroup/cpu,cpuacct/docker/ab/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpuset/cpu.cfs_quota_us", "1000\n");
    put("/sys/fs/cgroup/cpuset/cpu.cfs_period_us", "1000\n");
    assert_int_equal(quota_with(groups, OTHERS V1), 3);
    put("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "100000\n");
    assert_int_equal(quota_with(groups, OTHERS V1), 3);
    put("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "200000\n");
    assert_int_equal(quota_with(groups, OTHERS V1), 2);
    assert_int_equal(quota_with("5:cpuset:/docker/ab\n", OTHERS V1), 0); /* in no group of that hierarchy */
}

/* In a container without a namespace of its own, the mount shows the container's group alone. */
static void test_mount_of_a_part(void **state) {
    clear();
    const char *mounts = OTHERS "31 23 0:26 /docker/ab /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n";
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "400000\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpu/inner/cpu.cfs_quota_us", "200000\n");
    put("/sys/fs/cgroup/cpu/inner/cpu.cfs_period_us", "100000\n");
    assert_int_equal(quota_with("3:cpu:/docker/ab\n", mounts), 4);
    assert_int_equal(quota_with("3:cpu:/docker/ab/inner\n", mounts), 2);
    assert_int_equal(quota_with("3:cpu:/docker/abc\n", mounts), 0); /* another group */
    assert_int_equal(quota_with("3:cpu:/\n", mounts), 0);
}

static void test_namespaces(void **state) {
    clear();
    put("/cg/cpu.max", "200000 100000\n");
    assert_int_equal(quota_with("0::/a\n", "30 23 0:26 /../.. /cg rw - cgroup2 none rw\n"), 2); /* a parent's mount */
    assert_int_equal(quota_with("0::/../b\n", "30 23 0:26 / /cg rw - cgroup2 none rw\n"), 0);   /* moved out */
}

static void test_both_versions(void **state) {
    clear();
    put("/sys/fs/cgroup/unified/a/cpu.max", "500000 100000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "200000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    const char *mounts = V1 "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    assert_int_equal(quota_with("1:cpu:/\n0::/a\n", mounts), 2);
}

static void test_odd_files(void **state) {
    clear();
    assert_int_equal(cpu_count_quota(root), 0); /* without /proc */
    put("/mnt/a b\\/x:y/cpu.max", "200000 100000\n");
    assert_int_equal(quota_with("0::/x:y\n", "30 23 0:26 / /mnt/a\\040b\\134 rw - cgroup2 none rw\n"), 2);
    static const char *const lines[] = {
        "",        "\n\n",          "0", "0:", "0::", "::\n:\n", "9:cpu\n", " - ", "a - cgroup2", "1 2 3 - cgroup2 x y",
        "0::/\0x", "0:cpu,:/\n \n", "\\"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        for (size_t j = 0; j < sizeof lines / sizeof *lines; j++)
            assert_int_equal(quota_with(lines[i], lines[j]), 0);
}

static void test_own(void **state) {
    struct cpu_count count = cpu_count();
    assert_true(count.cpus >= 1);
    assert_true(!count.by_quota || count.cpus == cpu_count_quota(""));
}

static int make_root(void **state) {
    return mkdtemp(root) == NULL;
}

static int remove_root(void **state) {
    clear();
    return rmdir(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_2),       cmocka_unit_test(test_parents),    cmocka_unit_test(test_version_1),
        cmocka_unit_test(test_mount_of_a_part), cmocka_unit_test(test_namespaces), cmocka_unit_test(test_both_versions),
        cmocka_unit_test(test_odd_files),       cmocka_unit_test(test_own),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
