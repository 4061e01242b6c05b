# Builds and runs examples/consumer against a build tree and against what `cmake --install` makes of it.
#
#   cmake -DSOURCE= -DBUILD= -DWORK= -DCOMPONENT= -DGENERATOR= -DCC= -DCXX= -DTORCH_DIR= -DBUILD_TYPE= -DMODEL=
#     -P consumer.cmake
#
# For the runtime, the libraries that only the other components need are hidden: it must do without them; for c, all of
# them. The program in C predicts with MODEL, and is built by pkg-config too.

function(must_run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nended with ${status}:\n${text}")
  endif()
endfunction()

set(options -G ${GENERATOR} -DCMAKE_BUILD_TYPE=${BUILD_TYPE}
  -DSCALEMIX_COMPONENT=${COMPONENT})
if(COMPONENT STREQUAL "c")
  list(APPEND options -DCMAKE_C_COMPILER=${CC})
else()
  list(APPEND options -DCMAKE_CXX_COMPILER=${CXX})
  set(MODEL "")
endif()
if(COMPONENT STREQUAL "torch")
  list(APPEND options -DTorch_DIR=${TORCH_DIR})
else()
  set(hidden_by_runtime CURL ZLIB tomlplusplus Torch)
  set(hidden_by_c ${hidden_by_runtime} Threads OpenMP Boost hwy fmt nlohmann_json)
  foreach(hidden IN LISTS hidden_by_${COMPONENT})
    list(APPEND options -DCMAKE_DISABLE_FIND_PACKAGE_${hidden}=ON)
  endforeach()
endif()

# use(FOLDER PREFIX): configures, builds and runs the consumer with scalemix from PREFIX alone.
# For torch, LibTorch's own root comes with it: its share/cmake alone would find another libc10 that is installed.
set(prefixes "")
if(COMPONENT STREQUAL "torch")
  cmake_path(SET torch_root NORMALIZE "${TORCH_DIR}/../../..")
  set(prefixes "\\;${torch_root}")
endif()
function(use folder prefix)
  file(REMOVE_RECURSE "${folder}")
  must_run(${CMAKE_COMMAND} -S ${SOURCE}/examples/consumer -B ${folder} ${options}
    "-DCMAKE_PREFIX_PATH=${prefix}${prefixes}" -DCMAKE_FIND_PACKAGE_NO_PACKAGE_REGISTRY=ON)
  must_run(${CMAKE_COMMAND} --build ${folder})
  must_run(${CMAKE_COMMAND} -E chdir ${folder} ./use_${COMPONENT} ${MODEL})
  if(COMPONENT STREQUAL "runtime")
    execute_process(COMMAND ldd ${folder}/use_runtime OUTPUT_VARIABLE libraries COMMAND_ERROR_IS_FATAL ANY)
    if(libraries MATCHES "dnnl|OpenCL|blas|lapack|curl|libcsv|libz|torch")
      message(FATAL_ERROR "scalemix::runtime links more than it needs:\n${libraries}")
    endif()
  endif()
  file(STRINGS ${folder}/CMakeCache.txt found REGEX "^scalemix_DIR:")
  if(NOT found MATCHES "=${prefix}")
    message(FATAL_ERROR "expected scalemix below ${prefix}, got ${found}")
  endif()
endfunction()

# use_by_pkg_config(FOLDER): builds c.c as C99 with what FOLDER/scalemix_c.pc says, and runs it.
function(use_by_pkg_config folder)
  find_program(pkg_config NAMES pkg-config pkgconf REQUIRED)
  set(ask ${CMAKE_COMMAND} -E env PKG_CONFIG_LIBDIR=${folder} ${pkg_config})
  execute_process(COMMAND ${ask} --cflags --libs scalemix_c
    OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${ask} --variable=libdir scalemix_c
    OUTPUT_VARIABLE libraries OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  file(REMOVE ${WORK}/by_pkg_config)
  must_run(${CC} -std=c99 -Wall -Wextra -pedantic -Werror ${SOURCE}/examples/consumer/c.c ${flags}
    -o ${WORK}/by_pkg_config)
  must_run(${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${libraries} ${WORK}/by_pkg_config ${MODEL})
endfunction()

use(${WORK}/in_build_tree ${BUILD})
file(REMOVE_RECURSE ${WORK}/prefix)
set(part "")
if(COMPONENT STREQUAL "c")
  set(part --component c)
endif()
must_run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix ${part})
use(${WORK}/in_prefix ${WORK}/prefix)
if(COMPONENT STREQUAL "c")
  use_by_pkg_config(${BUILD}/c)
  file(GLOB_RECURSE pc ${WORK}/prefix/scalemix_c.pc)
  cmake_path(GET pc PARENT_PATH pc_folder)
  use_by_pkg_config(${pc_folder})
endif()

# What a prefix holds must not lead back to where it was built.
file(GLOB_RECURSE texts ${WORK}/prefix/lib/*.cmake ${WORK}/prefix/lib/*.pc)
foreach(text IN LISTS texts)
  file(READ ${text} content)
  if(content MATCHES "${BUILD}|${SOURCE}/scalemix")
    message(FATAL_ERROR "${text} names the build tree")
  endif()
endforeach()
