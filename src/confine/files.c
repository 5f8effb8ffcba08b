/* SPDX-License-Identifier: BSD-2-Clause */
#include "confine/confine_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than Debian 12's headers, not than its users' kernels. */
#define ACCESS_TRUNCATE  (UINT64_C(1) << 14)
#define ACCESS_IOCTL_DEV (UINT64_C(1) << 15)

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* What can be said of a file that is no folder. */
#define OF_FILES \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	    LANDLOCK_ACCESS_FS_EXECUTE | ACCESS_TRUNCATE | ACCESS_IOCTL_DEV)

/* Everything that this version of landlock can forbid, from 1 on. */
static const uint64_t known[] = {
	LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | READ |
	    LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
	    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
	    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
	    LANDLOCK_ACCESS_FS_MAKE_SYM,
	LANDLOCK_ACCESS_FS_REFER,
	ACCESS_TRUNCATE,
	0, /* ports: what an attachment connects to is said by its address */
	ACCESS_IOCTL_DEV,
};

/*
 * What the libraries read by themselves: modules, character sets, users, time
 * zones, host names; and what the kernel says of us. Not /etc: a root without
 * capabilities still owns the files of root.
 */
static const char *const readable[] = { "/usr", "/lib", "/lib64", "/proc",
	"/sys", "/dev/null", "/dev/urandom", "/etc/ld.so.cache",
	"/etc/nsswitch.conf", "/etc/passwd", "/etc/group", "/etc/localtime",
	"/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/services",
	"/etc/resolv.conf", "/etc/machine-id" };

static int
allow(int rules, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr beneath = { .allowed_access =
							  access };
	struct stat st;
	int error = 0;

	beneath.parent_fd = open(path, O_PATH | O_CLOEXEC);
	/* What is not there need not be allowed. */
	if (beneath.parent_fd < 0)
		return errno == ENOENT || errno == EACCES ? 0 : -errno;
	/* What only a folder can have is refused where it is none. */
	if (fstat(beneath.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		beneath.allowed_access &= OF_FILES;
	if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH,
		&beneath, 0) != 0)
		error = -errno;
	(void)close(beneath.parent_fd);
	return error;
}

int
confine_files(const char *const *folders, unsigned count)
{
	struct landlock_ruleset_attr attr = { 0 };
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	int error = 0, rules;

	/* Not built in, or switched off. */
	if (version < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	for (long i = 0; i < version; i++)
		if ((size_t)i < sizeof(known) / sizeof(known[0]))
			attr.handled_access_fs |= known[i];
	rules = (int)syscall(
	    SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (rules < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		if (error == 0)
			error = allow(rules, readable[i], READ);
	for (unsigned i = 0; i < count; i++)
		if (error == 0 && folders[i] != NULL)
			error = allow(rules, folders[i],
			    attr.handled_access_fs &
				~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE);
	if (error == 0 && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
		error = -errno;
	(void)close(rules);
	return error;
}
