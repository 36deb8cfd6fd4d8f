# The report's page, style, scripts and plotting library as bytes of the library, through the assembler: megabytes
# that a C++ array would take minutes to compile. The scripts are put together in the order of their names, those of
# figures/ last, each in a block of its own so that no figure can see another's names.
enable_language(ASM)

file(GLOB found_plotly ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/plotly/package_data/plotly.min.js)
set(BHROUTE_PLOTLY_JS "${found_plotly}" CACHE FILEPATH "plotly.min.js, as PyPI's plotly carries it")
if(NOT EXISTS "${BHROUTE_PLOTLY_JS}")
  message(FATAL_ERROR "BHROUTE_PLOTLY_JS: no plotly.min.js, got '${BHROUTE_PLOTLY_JS}', want the file of PyPI's package plotly (make build installs it and says where it is)")
endif()

set(report_folder ${PROJECT_SOURCE_DIR}/src/evaluation/report)
file(GLOB report_scripts CONFIGURE_DEPENDS ${report_folder}/*.js)
file(GLOB report_figures CONFIGURE_DEPENDS ${report_folder}/figures/*.js)

function(report_blob result name)
  set(text "    .globl bhroute_report_${name}\n    .globl bhroute_report_${name}_end\nbhroute_report_${name}:\n")
  foreach(file ${ARGN})
    string(APPEND text "    .incbin \"${file}\"\n")
  endforeach()
  set(${result} "${${result}}${text}bhroute_report_${name}_end:\n    .byte 0\n" PARENT_SCOPE)
endfunction()

set(figure_pieces "")
file(WRITE ${CMAKE_BINARY_DIR}/report_assets/open.js "{\n")
file(WRITE ${CMAKE_BINARY_DIR}/report_assets/close.js "}\n")
foreach(figure ${report_figures})
  list(APPEND figure_pieces ${CMAKE_BINARY_DIR}/report_assets/open.js ${figure} ${CMAKE_BINARY_DIR}/report_assets/close.js)
endforeach()

set(report_assembly "    .section .rodata\n")
report_blob(report_assembly page ${report_folder}/page.html)
report_blob(report_assembly style ${report_folder}/style.css)
report_blob(report_assembly scripts ${report_scripts} ${figure_pieces})
report_blob(report_assembly plotly ${BHROUTE_PLOTLY_JS})
string(APPEND report_assembly "    .section .note.GNU-stack,\"\",%progbits\n")
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/report_assets/report_assets.S CONTENT "${report_assembly}" @ONLY)
set_source_files_properties(${CMAKE_BINARY_DIR}/report_assets/report_assets.S PROPERTIES OBJECT_DEPENDS
  "${report_folder}/page.html;${report_folder}/style.css;${report_scripts};${report_figures};${BHROUTE_PLOTLY_JS}")
target_sources(bhroute_evaluation PRIVATE ${CMAKE_BINARY_DIR}/report_assets/report_assets.S)
