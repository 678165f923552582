/* The version of the DAOS client interface that the stand-in imitates. */
#ifndef STANDIN_DAOS_VERSION_H
#define STANDIN_DAOS_VERSION_H

#define DAOS_VERSION_MAJOR 2
#define DAOS_VERSION_MINOR 8
#define DAOS_VERSION_FIX 0

#endif
