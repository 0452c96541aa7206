/* The files of the web app, as build.mjs packed them. */
    .section .rodata.steward_web, "a", @progbits
    .globl steward_web_pack_begin
    .globl steward_web_pack_end
    .balign 16
steward_web_pack_begin:
    .incbin "web.pack"
steward_web_pack_end:
    .byte 0
    .section .note.GNU-stack, "", @progbits
