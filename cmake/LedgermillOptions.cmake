# SPDX-License-Identifier: Apache-2.0
# One interface target carries what every room is compiled with.
add_library(ledgermill_options INTERFACE)
target_include_directories(ledgermill_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(ledgermill_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -fstack-protector-strong)
target_compile_definitions(ledgermill_options INTERFACE _GLIBCXX_ASSERTIONS)
if(LEDGERMILL_WERROR)
  target_compile_options(ledgermill_options INTERFACE -Werror)
endif()
if(LEDGERMILL_SANITIZE)
  target_compile_options(ledgermill_options INTERFACE -fsanitize=${LEDGERMILL_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(ledgermill_options INTERFACE -fsanitize=${LEDGERMILL_SANITIZE})
else()
  target_compile_definitions(ledgermill_options INTERFACE $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
  target_link_options(ledgermill_options INTERFACE -Wl,-z,relro,-z,now)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
