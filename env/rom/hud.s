; The counters on a level's screen, written by the NMI every frame.
.include "ram.inc"
.include "routines.inc"

; where art/level.txt leaves room for them
HUD_TOP    = $2000 + 8 * 32 + 3
HUD_SCORE  = $2000 + 11 * 32 + 3
HUD_TALLY  = $2000 + 18 * 32 + 7
HUD_LEVEL  = $2000 + 16 * 32 + 26
HUD_SPEED  = $2000 + 19 * 32 + 25
HUD_VIRUS  = $2000 + 22 * 32 + 26
; and art/versus.txt
VS_WINS    = $2000 + 7 * 32 + 12
VS_LEVEL   = $2000 + 11 * 32 + 13
VS_SPEED   = $2000 + 14 * 32 + 13
VS_VIRUS   = $2000 + 17 * 32 + 13
VS_NAME    = $2000 + 3 * 32 + 22
TILE_GAP = CELL_BLANK
TILE_WIN = $A0
TILE_NO_WIN = $A1

.macro put_at address
  lda #>(address)
  sta PPUADDR
  lda #<(address)
  sta PPUADDR
.endmacro

.macro put_number_of place
  ldx place
  lda tens, x
  sta PPUDATA
  lda ones, x
  sta PPUDATA
.endmacro

.macro put_bcd place
  lda place
  lsr a
  lsr a
  lsr a
  lsr a
  sta PPUDATA
  lda place
  and #$0F
  sta PPUDATA
.endmacro

; Three tiles of a table that has three for each value.
.macro put_three table, place
  lda place
  asl a
  adc place
  tax
.repeat 3, I
  lda table + I, x
  sta PPUDATA
.endrepeat
.endmacro

.macro put_gap
  lda #TILE_GAP
  sta PPUDATA
.endmacro

.segment "CODE"

.proc draw_counters
  jsr two_play
  bcc :+
  jmp draw_versus
:
  put_at HUD_TOP
.repeat 6, I
  lda high_score + 5 - I
  sta PPUDATA
.endrepeat
  put_at HUD_SCORE
.repeat 6, I
  lda score + 5 - I
  sta PPUDATA
.endrepeat
  put_at HUD_LEVEL
  put_number_of P1 + O_LEVEL
  put_at HUD_SPEED
  put_three speed_names, P1 + O_SPEED
  put_at HUD_VIRUS
  put_bcd P1 + O_VIRUSES
.repeat 3, I
  put_at HUD_TALLY + I * 96
  put_number_of virus_tally + I
.endrepeat
  rts
.endproc

.proc draw_versus
  put_at VS_WINS
  put_three wins_left, P1 + O_WINS
  put_gap
  put_gap
  put_three wins_right, P2 + O_WINS
  put_at VS_LEVEL
  put_number_of P1 + O_LEVEL
  put_gap
  put_gap
  put_number_of P2 + O_LEVEL
  put_at VS_SPEED
  put_three speeds_left, P1 + O_SPEED
  put_three speeds_right, P2 + O_SPEED
  put_at VS_VIRUS
  put_bcd P1 + O_VIRUSES
  put_gap
  put_gap
  put_bcd P2 + O_VIRUSES
  put_at VS_NAME
  put_three rival_names, vs_cpu
  rts
.endproc

.segment "DATA"
tens:
.repeat 85, I
  .byte I / 10
.endrepeat
ones:
.repeat 85, I
  .byte I .mod 10
.endrepeat
speed_names:
  .byte $15, $18, $20,  $16, $0E, $0D,  CELL_BLANK, $11, $12
speeds_left:
  .byte $A2, TILE_GAP, TILE_GAP,  $A2, $A2, TILE_GAP,  $A2, $A2, $A2
speeds_right:
  .byte TILE_GAP, TILE_GAP, $A2,  TILE_GAP, $A2, $A2,  $A2, $A2, $A2
wins_left:
  .byte TILE_NO_WIN, TILE_NO_WIN, TILE_NO_WIN,  TILE_WIN, TILE_NO_WIN, TILE_NO_WIN
  .byte TILE_WIN, TILE_WIN, TILE_NO_WIN,  TILE_WIN, TILE_WIN, TILE_WIN
wins_right:
  .byte TILE_NO_WIN, TILE_NO_WIN, TILE_NO_WIN,  TILE_NO_WIN, TILE_NO_WIN, TILE_WIN
  .byte TILE_NO_WIN, TILE_WIN, TILE_WIN,  TILE_WIN, TILE_WIN, TILE_WIN
rival_names:
  .byte TILE_GAP, $19, $02,  $0C, $19, $1E
