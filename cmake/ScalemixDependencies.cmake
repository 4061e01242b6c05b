# Finds the libraries the rooms link; the installed package config includes this file too, so that a consumer
# gets the same targets. Each ends as an imported target.

include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(OpenMP COMPONENTS CXX)
find_dependency(Boost COMPONENTS headers)
find_dependency(hwy)
find_dependency(fmt)
find_dependency(nlohmann_json)

# Debian's dnnl-config.cmake demands OpenCL headers that nothing here needs: find the library itself.
if(NOT TARGET dnnl::dnnl)
  find_path(DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.h REQUIRED)
  find_library(DNNL_LIBRARY dnnl REQUIRED)
  add_library(dnnl::dnnl UNKNOWN IMPORTED)
  set_target_properties(dnnl::dnnl PROPERTIES
    IMPORTED_LOCATION "${DNNL_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${DNNL_INCLUDE_DIR}")
endif()

if(NOT SCALEMIX_RUNTIME_ONLY)
  find_dependency(ZLIB)
  find_dependency(CURL)
  find_dependency(tomlplusplus)
  if(NOT TARGET csv::csv)
    find_path(CSV_INCLUDE_DIR csv.h REQUIRED)
    find_library(CSV_LIBRARY csv REQUIRED)
    add_library(csv::csv UNKNOWN IMPORTED)
    set_target_properties(csv::csv PROPERTIES
      IMPORTED_LOCATION "${CSV_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${CSV_INCLUDE_DIR}")
  endif()
endif()
