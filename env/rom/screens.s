; Putting whole screens on the display.
.include "ram.inc"
.include "routines.inc"

WALL_COLOUR = 7                 ; in the second palette

.segment "CODE"

; A = screen.  Rendering goes off for the time; takes a few frames, NMIs go on.
.proc load_screen
  sta screen_drawn
  lda #0
  sta ppu_mask
  sta field_shown
  sta level_sprites
  jsr hide_sprites
  jsr wait_frame                ; the NMI switches rendering off in vertical blank
  lda #1
  sta ppu_busy
  jsr write_palette
  jsr write_screen
  jsr wait_frame                ; begin the picture at its top
  lda #0
  sta ppu_busy
  lda #MASK_ALL
  sta ppu_mask
  rts
.endproc

.proc write_palette
  bit PPUSTATUS
  lda #$3F
  sta PPUADDR
  lda #0
  sta PPUADDR
  tax
: lda palette, x
  sta PPUDATA
  inx
  cpx #32
  bne :-
  lda #$3F                      ; the walls last
  sta PPUADDR
  lda #WALL_COLOUR
  sta PPUADDR
  ldx screen_drawn
  lda wall_colours, x
  sta PPUDATA
  rts
.endproc

.proc write_screen
  ldx screen_drawn
  lda screens_low, x
  sta source
  lda screens_high, x
  sta source + 1
  lda #$20
  sta PPUADDR
  ldy #0
  sty PPUADDR
  ldx #4
: lda (source), y
  sta PPUDATA
  iny
  bne :-
  inc source + 1
  dex
  bne :-
  rts
.endproc

.segment "DATA"
; background: field (yellow, red, blue), panels and glass, none, the name; sprites: capsules, then a virus each
palette:
  .byte $0F, $28, $16, $21,  $0F, $30, $2C, $0C,  $0F, $30, $10, $00,  $0F, $38, $27, $06
  .byte $0F, $28, $16, $21,  $0F, $28, $17, $30,  $0F, $16, $06, $30,  $0F, $21, $02, $30
; of the laboratory: each screen has its own
wall_colours:
  .byte $0C, $0C, $0C, $0B

screens_low:
  .byte <title_screen, <options_screen, <level_screen, <versus_screen
screens_high:
  .byte >title_screen, >options_screen, >level_screen, >versus_screen
title_screen:
  .incbin "title.bin"
options_screen:
  .incbin "options.bin"
level_screen:
  .incbin "level.bin"
versus_screen:
  .incbin "versus.bin"
