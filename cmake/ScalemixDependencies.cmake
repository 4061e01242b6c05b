# Finds the libraries the rooms link. The installed package config includes this file too, so that a consumer gets
# the same targets. What is missing is gathered in `scalemix_missing` and said all at once.
#
#   SCALEMIX_RUNTIME_ONLY   set: only what scalemix::runtime links

set(scalemix_missing "")

# scalemix_need(PACKAGE DEBIAN_PACKAGE [find_package arguments])
macro(scalemix_need package debian)
  find_package(${package} QUIET ${ARGN})
  if(NOT ${package}_FOUND)
    list(APPEND scalemix_missing "${package} (Debian: ${debian})")
  endif()
endmacro()

# scalemix_import(TARGET DEBIAN_PACKAGE LIBRARY INCLUDE_DIR): an imported target from what find_library and find_path said.
function(scalemix_import target debian library include_dir)
  if(NOT library OR NOT include_dir)
    list(APPEND scalemix_missing "${target} (Debian: ${debian})")
    set(scalemix_missing "${scalemix_missing}" PARENT_SCOPE)
  elseif(NOT TARGET ${target})
    add_library(${target} UNKNOWN IMPORTED GLOBAL)
    set_target_properties(${target} PROPERTIES
      IMPORTED_LOCATION "${library}" INTERFACE_INCLUDE_DIRECTORIES "${include_dir}")
  endif()
endfunction()

set(THREADS_PREFER_PTHREAD_FLAG ON)
scalemix_need(Threads libc6-dev)
scalemix_need(OpenMP "g++, or libomp-dev for Clang" COMPONENTS CXX)
if(OpenMP_FOUND AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Not by its path in GCC's folder: a pip torch brings its own libgomp, and one of the two must serve all.
  set_target_properties(OpenMP::OpenMP_CXX PROPERTIES
    INTERFACE_LINK_LIBRARIES "" INTERFACE_LINK_OPTIONS "-fopenmp")
endif()
scalemix_need(Boost libboost-math-dev COMPONENTS headers)
scalemix_need(hwy libhwy-dev)
scalemix_need(fmt libfmt-dev)
scalemix_need(nlohmann_json nlohmann-json3-dev)

if(NOT SCALEMIX_RUNTIME_ONLY)
  # Debian's dnnl-config.cmake demands OpenCL headers that nothing here needs: find the library itself, and the
  # headers beside it. A pip torch carries headers of another oneDNN, which a search of all prefixes would take.
  find_library(DNNL_LIBRARY dnnl)
  if(DNNL_LIBRARY)
    # The folder it truly lies in: /lib may be a link to /usr/lib, and /include is none.
    file(REAL_PATH "${DNNL_LIBRARY}" dnnl_folder)
    cmake_path(GET dnnl_folder PARENT_PATH dnnl_folder)
    find_path(DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.h
      PATHS "${dnnl_folder}/../include" "${dnnl_folder}/../../include" NO_DEFAULT_PATH)
  endif()
  scalemix_import(dnnl::dnnl libdnnl-dev "${DNNL_LIBRARY}" "${DNNL_INCLUDE_DIR}")

  # CBLAS for double products (oneDNN has no float64). The OpenMP flavour first: it shares the one pool of threads.
  # The header comes from the folder of the same flavour.
  find_library(OPENBLAS_LIBRARY openblas PATH_SUFFIXES openblas-openmp)
  if(OPENBLAS_LIBRARY)
    get_filename_component(openblas_folder "${OPENBLAS_LIBRARY}" DIRECTORY)
    get_filename_component(openblas_flavour "${openblas_folder}" NAME)
    find_path(OPENBLAS_INCLUDE_DIR cblas.h PATH_SUFFIXES "${openblas_flavour}" openblas-pthread openblas)
  endif()
  scalemix_import(openblas::openblas libopenblas-openmp-dev "${OPENBLAS_LIBRARY}" "${OPENBLAS_INCLUDE_DIR}")

  scalemix_need(ZLIB zlib1g-dev)
  scalemix_need(CURL libcurl4-openssl-dev)
  scalemix_need(PNG libpng-dev)
  scalemix_need(JPEG libjpeg62-turbo-dev)
  scalemix_need(tomlplusplus libtomlplusplus-dev)
  find_path(CSV_INCLUDE_DIR csv.h)
  find_library(CSV_LIBRARY csv)
  scalemix_import(csv::csv libcsv-dev "${CSV_LIBRARY}" "${CSV_INCLUDE_DIR}")
endif()

list(REMOVE_DUPLICATES scalemix_missing)
if(scalemix_missing)
  list(JOIN scalemix_missing ", " scalemix_missing_text)
endif()
mark_as_advanced(DNNL_LIBRARY DNNL_INCLUDE_DIR OPENBLAS_LIBRARY OPENBLAS_INCLUDE_DIR CSV_LIBRARY CSV_INCLUDE_DIR)
