/*
 * The part of libdaos's interface that this project binds, declared anew for machines without DAOS.
 *
 * Only names, layouts, signatures and values are those of the real headers (DAOS 2.8); `make abi-check` compares
 * them wherever a DAOS is installed.
 */
#ifndef STANDIN_DAOS_H
#define STANDIN_DAOS_H

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <daos_version.h>

/* ---- elementary types ---- */

typedef unsigned char uuid_t[16];
typedef uint64_t daos_size_t;
typedef uint64_t daos_off_t;
typedef uint64_t daos_epoch_t;
typedef uint32_t daos_oclass_id_t;
typedef uint32_t d_rank_t;
typedef char *d_string_t;

typedef struct {
	uint64_t cookie;
} daos_handle_t;

typedef struct {
	uint64_t lo;
	uint64_t hi;
} daos_obj_id_t;

typedef struct {
	void *iov_buf;
	size_t iov_buf_len;
	size_t iov_len;
} d_iov_t;

typedef struct {
	uint32_t sg_nr;
	uint32_t sg_nr_out;
	d_iov_t *sg_iovs;
} d_sg_list_t;

typedef struct {
	d_rank_t *rl_ranks;
	uint32_t rl_nr;
} d_rank_list_t;

/* ---- error numbers; calls return them negated ---- */

enum daos_errno {
	DER_SUCCESS = 0,
	DER_NO_PERM = 1001,
	DER_NO_HDL = 1002,
	DER_INVAL = 1003,
	DER_EXIST = 1004,
	DER_NONEXIST = 1005,
	DER_UNREACH = 1006,
	DER_NOSPACE = 1007,
	DER_NOMEM = 1009,
	DER_NOSYS = 1010,
	DER_TIMEDOUT = 1011,
	DER_BUSY = 1012,
	DER_UNINIT = 1015,
	DER_TRUNC = 1016,
	DER_IO = 2001,
	DER_NOTSUPPORTED = 2037,
};

/* ---- anchors: places in an enumeration ---- */

#define DAOS_ANCHOR_BUF_MAX 104

typedef enum {
	DAOS_ANCHOR_TYPE_ZERO = 0,
	DAOS_ANCHOR_TYPE_HKEY = 1,
	DAOS_ANCHOR_TYPE_KEY = 2,
	DAOS_ANCHOR_TYPE_EOF = 3,
} daos_anchor_type_t;

typedef struct {
	uint16_t da_type;
	uint16_t da_shard;
	uint32_t da_flags;
	uint64_t da_sub_anchors;
	uint8_t da_buf[DAOS_ANCHOR_BUF_MAX];
} daos_anchor_t;

/* ---- start and stop ---- */

int daos_init(void);
int daos_fini(void);

/* ---- events and their queues ---- */

#define DAOS_EQ_DESTROY_FORCE 1

typedef struct daos_event {
	int ev_error;
	struct {
		uint64_t space[20];
	} ev_private;
	uint64_t ev_debug;
} daos_event_t;

int daos_eq_create(daos_handle_t *eqh);
int daos_eq_destroy(daos_handle_t eqh, int flags);
int daos_eq_poll(daos_handle_t eqh, int wait_running, int64_t timeout, unsigned int nevents, daos_event_t **events);
int daos_event_init(daos_event_t *ev, daos_handle_t eqh, daos_event_t *parent);
int daos_event_fini(daos_event_t *ev);

/* ---- object classes ---- */

int daos_oclass_name2id(const char *name);
ssize_t daos_oclass_names_list(size_t size, char *str);

/* ---- properties ---- */

#define DAOS_PROP_LABEL_MAX_LEN 127

struct daos_prop_entry {
	uint32_t dpe_type;
	uint16_t dpe_flags;
	uint16_t dpe_reserv;
	union {
		uint64_t dpe_val;
		d_string_t dpe_str;
		void *dpe_val_ptr;
	};
};

typedef struct {
	uint32_t dpp_nr;
	uint32_t dpp_reserv;
	struct daos_prop_entry *dpp_entries;
} daos_prop_t;

enum daos_cont_props {
	DAOS_PROP_CO_LABEL = 0x1001,
	DAOS_PROP_CO_LAYOUT_TYPE = 0x1002,
	DAOS_PROP_CO_CSUM = 0x1004,
	DAOS_PROP_CO_CSUM_CHUNK_SIZE = 0x1005,
	DAOS_PROP_CO_CSUM_SERVER_VERIFY = 0x1006,
	DAOS_PROP_CO_REDUN_FAC = 0x1007,
	DAOS_PROP_CO_REDUN_LVL = 0x1008,
	DAOS_PROP_CO_COMPRESS = 0x100b,
	DAOS_PROP_CO_ENCRYPT = 0x100c,
	DAOS_PROP_CO_DEDUP = 0x100f,
	DAOS_PROP_CO_DEDUP_THRESHOLD = 0x1010,
	DAOS_PROP_CO_STATUS = 0x1012,
	DAOS_PROP_CO_EC_CELL_SZ = 0x1014,
	DAOS_PROP_CO_EC_PDA = 0x1015,
	DAOS_PROP_CO_RP_PDA = 0x1016,
};

enum {
	DAOS_PROP_CO_LAYOUT_POSIX = 1,
};

/* ---- pools ---- */

#define DAOS_PC_RO (1U << 0)
#define DAOS_PC_RW (1U << 1)

enum daos_media_type_t {
	DAOS_MEDIA_SCM = 0,
	DAOS_MEDIA_NVME = 1,
	DAOS_MEDIA_MAX = 2,
};

struct daos_space {
	uint64_t s_total[DAOS_MEDIA_MAX];
	uint64_t s_free[DAOS_MEDIA_MAX];
};

struct daos_pool_space {
	struct daos_space ps_space;
	uint64_t ps_free_min[DAOS_MEDIA_MAX];
	uint64_t ps_free_max[DAOS_MEDIA_MAX];
	uint64_t ps_free_mean[DAOS_MEDIA_MAX];
	uint32_t ps_ntargets;
	uint32_t ps_padding;
};

enum daos_rebuild_state_t {
	DRS_IN_PROGRESS = 0,
	DRS_NOT_STARTED = 1,
	DRS_COMPLETED = 2,
};

struct daos_rebuild_status {
	uint32_t rs_version;
	uint32_t rs_seconds;
	int32_t rs_errno;
	union {
		int32_t rs_state;
		int32_t rs_done;
	};
	uint16_t rs_max_supported_layout_ver;
	uint8_t rs_flags;
	uint8_t rs_reserved_;
	int32_t rs_fail_rank;
	uint64_t rs_toberb_obj_nr;
	uint64_t rs_obj_nr;
	uint64_t rs_rec_nr;
	uint64_t rs_size;
};

enum daos_pool_info_bit {
	DPI_SPACE = 1ULL << 0,
	DPI_REBUILD_STATUS = 1ULL << 1,
	DPI_ALL = -1,
};

typedef struct {
	uuid_t pi_uuid;
	uint32_t pi_ntargets;
	uint32_t pi_nnodes;
	uint32_t pi_ndisabled;
	uint32_t pi_map_ver;
	uint32_t pi_leader;
	uint64_t pi_bits;
	struct daos_pool_space pi_space;
	struct daos_rebuild_status pi_rebuild_st;
} daos_pool_info_t;

/* The plain names are macros for the second version of these calls, in the real headers too. */
#define daos_pool_connect daos_pool_connect2

int daos_pool_connect(const char *pool, const char *sys, unsigned int flags, daos_handle_t *poh,
		      daos_pool_info_t *info, daos_event_t *ev);
int daos_pool_disconnect(daos_handle_t poh, daos_event_t *ev);
int daos_pool_query(daos_handle_t poh, d_rank_list_t **ranks, daos_pool_info_t *info, daos_prop_t *pool_prop,
		    daos_event_t *ev);

/* ---- containers ---- */

#define DAOS_CONT_HINT_MAX_LEN 128
#define DAOS_COO_RO (1U << 0)
#define DAOS_COO_RW (1U << 1)

#define daos_cont_open daos_cont_open2
#define daos_cont_destroy daos_cont_destroy2

typedef struct {
	uuid_t ci_uuid;
	daos_epoch_t ci_lsnapshot;
	uint32_t ci_nhandles;
	uint32_t ci_nsnapshots;
	uint64_t ci_md_otime;
	uint64_t ci_md_mtime;
} daos_cont_info_t;

int daos_cont_open(daos_handle_t poh, const char *cont, unsigned int flags, daos_handle_t *coh,
		   daos_cont_info_t *info, daos_event_t *ev);
int daos_cont_close(daos_handle_t coh, daos_event_t *ev);
int daos_cont_destroy(daos_handle_t poh, const char *cont, int force, daos_event_t *ev);
int daos_cont_query(daos_handle_t coh, daos_cont_info_t *info, daos_prop_t *cont_prop, daos_event_t *ev);

#endif
