# scalemix_room(NAME LINK ... [EXCEPT file...]): the static library scalemix_NAME from scalemix/NAME/*.cc.
function(scalemix_room name)
  cmake_parse_arguments(ARG "" "" "LINK;EXCEPT" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/scalemix/${name}/*.cc")
  list(TRANSFORM ARG_EXCEPT PREPEND "${PROJECT_SOURCE_DIR}/scalemix/${name}/")
  list(REMOVE_ITEM sources ${ARG_EXCEPT})
  scalemix_library(${name} LINK ${ARG_LINK} SOURCES ${sources})
endfunction()

# scalemix_part(ROOM PART LINK ... FILES ...): files of a room that link more than the rest of it, so that a product
# which only runs models need not.
function(scalemix_part room part)
  cmake_parse_arguments(ARG "" "" "LINK;FILES" ${ARGN})
  list(TRANSFORM ARG_FILES PREPEND "${PROJECT_SOURCE_DIR}/scalemix/${room}/")
  scalemix_library(${room}_${part} LINK scalemix_${room} ${ARG_LINK} SOURCES ${ARG_FILES})
endfunction()

function(scalemix_library name)
  cmake_parse_arguments(ARG "" "" "LINK;SOURCES" ${ARGN})
  add_library(scalemix_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(scalemix_${name} PUBLIC scalemix_flags ${ARG_LINK})
  set_target_properties(scalemix_${name} PROPERTIES EXPORT_NAME ${name}_room)
endfunction()

# scalemix_bundle(NAME PRODUCTS part ROOMS room...): the public target scalemix::NAME, the named rooms together, with
# the part of kernel that their products in float go through.
function(scalemix_bundle name)
  cmake_parse_arguments(ARG "" "PRODUCTS" "ROOMS" ${ARGN})
  add_library(scalemix_${name}_bundle INTERFACE)
  list(TRANSFORM ARG_ROOMS PREPEND scalemix_)
  target_link_libraries(scalemix_${name}_bundle INTERFACE ${ARG_ROOMS})
  scalemix_products(scalemix_${name}_bundle INTERFACE ${ARG_PRODUCTS})
  set_target_properties(scalemix_${name}_bundle PROPERTIES EXPORT_NAME ${name})
  add_library(scalemix::${name} ALIAS scalemix_${name}_bundle)
endfunction()

# scalemix_products(TARGET SCOPE part): whole, because the rooms that call the products cannot name the part, so that no
# order of libraries would be sure to find it; and because two parts in one program are then an error.
function(scalemix_products target scope part)
  target_link_libraries(${target} ${scope} "$<LINK_LIBRARY:WHOLE_ARCHIVE,$<TARGET_NAME:scalemix_kernel_${part}>>")
endfunction()

# scalemix_test(ROOM LINK ... [ONLY_IN CONFIGURATION]): the program scalemix_ROOM_test from tests/ROOM/*_test.cc, one ctest
# case a room; ONLY_IN x: run only by `ctest -C x`.
function(scalemix_test room)
  cmake_parse_arguments(ARG "" "ONLY_IN" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${room}/*_test.cc")
  if(NOT sources)
    return()
  endif()
  add_executable(scalemix_${room}_test ${sources})
  target_link_libraries(scalemix_${room}_test PRIVATE ${ARG_LINK} GTest::gtest GTest::gmock GTest::gtest_main)
  target_include_directories(scalemix_${room}_test PRIVATE "${PROJECT_SOURCE_DIR}")
  if(NOT ARG_ONLY_IN)
    # Tests are compiled more often than they run: a quarter less to wait for than at -O3.
    target_compile_options(scalemix_${room}_test PRIVATE $<$<CONFIG:Release>:-O1>)
  endif()
  add_test(NAME ${room} COMMAND scalemix_${room}_test CONFIGURATIONS ${ARG_ONLY_IN})
  set_tests_properties(${room} PROPERTIES LABELS unit TIMEOUT 900)
endfunction()
