// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Attaching: on kernels whose af_netlink has no rings, the generic netlink
 * family of the module gives a socket the ring options.
 */
#include <unistd.h>
#include <linux/genetlink.h>
#include <libmnl/libmnl.h>

#include "ring.h"

static int genl_talk(int genl, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	char buf[8192] __attribute__((aligned(MNL_ALIGNTO)));
	ssize_t len;
	int ret;

	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	if (sendto(genl, nlh, nlh->nlmsg_len, 0, NULL, 0) == -1)
		return -1;
	do {
		len = recvfrom(genl, buf, sizeof(buf), 0, NULL, NULL);
		if (len == -1)
			return -1;
		ret = mnl_cb_run(buf, len, 0, 0, cb, data);
	} while (ret > MNL_CB_STOP);
	return ret;
}

static struct nlmsghdr *genl_put(void *buf, uint16_t family, uint8_t cmd)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = family;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = 1;
	return nlh;
}

static int family_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;
	uint16_t *family = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U16) == 0)
			*family = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

/* looking the family up loads the module */
static int attach_by(int genl, int fd)
{
	char buf[256] __attribute__((aligned(MNL_ALIGNTO)));
	struct nlmsghdr *nlh;
	uint16_t family = 0;

	nlh = genl_put(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME,
			  NETLINK_MMAP_FAMILY_NAME);
	if (genl_talk(genl, nlh, family_cb, &family) == -1)
		return -1;

	nlh = genl_put(buf, family, NETLINK_MMAP_CMD_ATTACH);
	mnl_attr_put_u32(nlh, NETLINK_MMAP_A_ATTACH_FD, fd);
	return genl_talk(genl, nlh, NULL, NULL);
}

int ring_attach(int fd)
{
	int genl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	int ret, err;

	if (genl == -1)
		return -1;
	ret = attach_by(genl, fd);
	err = errno;
	close(genl);
	errno = err;
	return ret;
}

/* setsockopt(2) of a ring option; a socket that has none is attached first */
int ring_setsockopt(int fd, int option, const void *value, socklen_t len)
{
	if (setsockopt(fd, SOL_NETLINK, option, value, len) == 0)
		return 0;
	if (errno != ENOPROTOOPT)
		return -1;
	if (ring_attach(fd) == -1) {
		errno = ENOPROTOOPT;
		return -1;
	}
	return setsockopt(fd, SOL_NETLINK, option, value, len);
}
