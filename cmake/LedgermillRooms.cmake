# SPDX-License-Identifier: Apache-2.0
# A room is one static library, src/<room>. Its sources are all .cpp files of the folder, so that adding a file
# to a room touches nothing else; what it may see of other rooms is said once, in src/CMakeLists.txt.
#
#   ledgermill_room(feed ROOMS record base LIBRARIES yaml-cpp OpenSSL::Crypto)
function(ledgermill_room name)
  cmake_parse_arguments(ROOM "" "" "ROOMS;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  add_library(ledgermill_${name} STATIC ${sources})
  target_link_libraries(ledgermill_${name} PUBLIC ledgermill_options)
  foreach(room IN LISTS ROOM_ROOMS)
    target_link_libraries(ledgermill_${name} PUBLIC ledgermill_${room})
  endforeach()
  target_link_libraries(ledgermill_${name} PRIVATE ${ROOM_LIBRARIES})
endfunction()

# The tests of a room are all .cpp files of tests/<room>: one binary, discovered case by case by ctest.
function(ledgermill_room_test name)
  cmake_parse_arguments(TEST "" "" "LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${name} ${sources})
  target_link_libraries(test_${name} PRIVATE ${TEST_LIBRARIES} GTest::gtest_main)
  target_include_directories(test_${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_definitions(test_${name} PRIVATE LM_SOURCE_DIR="${CMAKE_SOURCE_DIR}" LM_BINARY_DIR="${CMAKE_BINARY_DIR}")
  gtest_discover_tests(test_${name} TEST_PREFIX ${name}. NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300)
endfunction()
