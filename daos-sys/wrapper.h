/* What bindgen reads: the installed DAOS's headers, or the stand-in's own of the same names. */
#include <daos.h>
#include <daos_fs.h>
#include <daos_mgmt.h>
