//! Raw FFI to libdfs and libdaos.
