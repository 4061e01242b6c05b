# Stops where cblas.h and libopenblas do not belong together: several packages own a cblas.h, and only OpenBLAS's
# declares openblas_get_parallel. Says which flavour of threads was found: one that is not OpenMP's brings a pool
# of its own beside the one that everything else shares.

if(scalemix_missing)
  message(FATAL_ERROR "scalemix needs: ${scalemix_missing_text}. \"./run setup\" installs all of it on Debian.")
endif()

include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_LIBRARIES openblas::openblas)
set(CMAKE_REQUIRED_QUIET ON)
check_cxx_source_compiles("
#include <cblas.h>
int main() {
  const double a[1] = {2};
  double c[1] = {0};
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 1, 1, 1, 1.0, a, 1, a, 1, 0.0, c, 1);
  return c[0] == 4 && openblas_get_parallel() >= 0 ? 0 : 1;
}" SCALEMIX_OPENBLAS_AGREES)
unset(CMAKE_REQUIRED_LIBRARIES)
unset(CMAKE_REQUIRED_QUIET)
if(NOT SCALEMIX_OPENBLAS_AGREES)
  message(FATAL_ERROR "${OPENBLAS_INCLUDE_DIR}/cblas.h and ${OPENBLAS_LIBRARY} do not belong together; "
    "set OPENBLAS_INCLUDE_DIR and OPENBLAS_LIBRARY, or install libopenblas-openmp-dev")
endif()
if(NOT openblas_flavour STREQUAL "openblas-openmp")
  message(STATUS "OpenBLAS at ${OPENBLAS_LIBRARY}: install libopenblas-openmp-dev for one pool of threads")
endif()
