; Echo: a cartridge for the emulator's tests. Everything that it does hangs on both pads and on how often it was asked.
; Build:  ca65 echo.s -o echo.o && ld65 -C echo.cfg echo.o -o echo.nes
;
; $10    frames (16 bit)         $12/$13  pads 1 and 2 of the last frame (A in bit 7)
; $14    chaos (16 bit): a feedback register stirred with the pads; a single other bit of input never comes back
; $20    column and row of the cursor
; $0300  pad 1 of the last 256 frames      $0400  what the chaos was, added up

.segment "HEADER"
  .byte "NES", $1A, 1, 1, 0, 0
  .res 8, 0

.segment "ZEROPAGE"
  .res $10
frames:  .res 2
pads:    .res 2
chaos:   .res 2
drawn:   .res 1
  .res 9
column:  .res 1
row:     .res 1

heard  = $0300
sums   = $0400
sprite = $0200

.segment "CODE"
power_on:
  sei
  cld
  ldx #$FF
  txs
  lda #0
  sta $2000
  sta $2001
  sta $4010
  lda #$40
  sta $4017
  jsr wait_for_blank
  lda #0
  tax
clear:
  sta $00,x
  sta $0100,x
  sta $0200,x
  sta $0300,x
  sta $0400,x
  sta $0500,x
  sta $0600,x
  sta $0700,x
  inx
  bne clear
  ldx #$FF
  txs
  lda #$5A
  sta chaos
  lda #120
  sta column
  sta row
  jsr wait_for_blank

  lda #$3F              ; colours
  sta $2006
  ldx #0
  stx $2006
colour:
  lda colours,x
  sta $2007
  inx
  cpx #32
  bne colour

  lda #$20              ; a screen of sixteen tiles in turn
  sta $2006
  lda #0
  sta $2006
  ldy #4
  tax
fill:
  txa
  and #$0F
  sta $2007
  inx
  bne fill
  dey
  bne fill

  lda #%00000011        ; both square waves
  sta $4015
  lda #%10000000
  sta $2000
forever:
  jmp forever

wait_for_blank:
  bit $2002
  bpl wait_for_blank
  rts

; All of it happens in the blank: first what is shown, then what is next.
blank:
  lda #>sprite
  sta $4014
  lda #$21
  sta $2006
  lda frames
  sta $2006
  lda chaos+1
  and #$0F
  sta $2007
  lda #0
  sta $2005
  sta $2005
  lda #%00011110
  sta $2001

  inc frames
  bne listen
  inc frames+1
listen:
  lda #1
  sta $4016
  lsr a
  sta $4016
  ldx #8
button:
  lda $4016
  lsr a
  rol pads
  lda $4017
  lsr a
  rol pads+1
  dex
  bne button

  lda chaos             ; stir
  asl a
  rol chaos+1
  bcc stirred
  eor #$2D
stirred:
  eor pads
  clc
  adc pads+1
  sta chaos
  ora chaos+1
  bne living
  inc chaos
living:
  ldx frames
  lda pads
  sta heard,x
  lda sums,x
  adc chaos
  sta sums,x

  lda pads              ; the cursor: right, left, down, up are bits 0 to 3 of pad 1
  and #$0F
  sta drawn
  lsr drawn
  bcc :+
  inc column
: lsr drawn
  bcc :+
  dec column
: lsr drawn
  bcc :+
  inc row
: lsr drawn
  bcc :+
  dec row
:
  lda row
  sta sprite
  lda #1
  sta sprite+1
  lda column
  sta sprite+3

  bit pads              ; A: a tone
  bpl quiet
  lda #$9F
  sta $4000
  lda chaos
  sta $4002
  lda #$08
  sta $4003
  rti
quiet:
  lda #$90
  sta $4000
unused:
  rti

colours:
  .byte $0F, $00, $10, $30,  $0F, $01, $11, $21,  $0F, $06, $16, $26,  $0F, $09, $19, $29
  .byte $0F, $30, $27, $16,  $0F, $30, $27, $16,  $0F, $30, $27, $16,  $0F, $30, $27, $16

.segment "VECTORS"
  .word blank, power_on, unused

.segment "TILES"
.repeat 16, tile
  .repeat 16, line
    .byte <(tile * line * 7)
  .endrepeat
.endrepeat
