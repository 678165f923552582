/*
 * The part of libdaos's management interface that this project binds, declared anew for machines without DAOS.
 */
#ifndef STANDIN_DAOS_MGMT_H
#define STANDIN_DAOS_MGMT_H

#include <daos.h>

#define DAOS_SYS_INFO_STRING_MAX 63

struct daos_rank_uri {
	uint32_t dru_rank;
	char *dru_uri;
};

struct daos_sys_info {
	char dsi_system_name[DAOS_SYS_INFO_STRING_MAX + 1];
	char dsi_fabric_provider[DAOS_SYS_INFO_STRING_MAX + 1];
	char dsi_agent_path[PATH_MAX];
	uint32_t dsi_nr_ranks;
	struct daos_rank_uri *dsi_ranks;
	uint32_t dsi_nr_ms_ranks;
	uint32_t *dsi_ms_ranks;
};

int daos_mgmt_get_sys_info(const char *sys, struct daos_sys_info **info);
void daos_mgmt_put_sys_info(struct daos_sys_info *info);

#endif
